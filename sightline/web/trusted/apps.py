"""Trusted adults that people record."""

from django.apps import AppConfig


class TrustedConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "sightline.web.trusted"
    label = "trusted"
