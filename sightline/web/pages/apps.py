from django.apps import AppConfig


class Pages(AppConfig):
    name = "sightline.web.pages"
    label = "pages"

    def ready(self) -> None:
        from sightline.web.pages import checks  # noqa: F401
