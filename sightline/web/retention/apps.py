from django.apps import AppConfig


class Retention(AppConfig):
    name = "sightline.web.retention"
    label = "retention"
