from django.apps import AppConfig


class Work(AppConfig):
    name = "sightline.web.work"
    label = "work"
