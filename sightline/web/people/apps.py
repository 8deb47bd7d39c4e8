from django.apps import AppConfig


class People(AppConfig):
    name = "sightline.web.people"
    label = "people"
