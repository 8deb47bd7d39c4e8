"""Choices of filters that people keep."""

from django.apps import AppConfig


class ViewsSavedConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "sightline.web.views_saved"
    label = "views_saved"
