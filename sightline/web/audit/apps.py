from django.apps import AppConfig


class Audit(AppConfig):
    name = "sightline.web.audit"
    label = "audit"
