from django.apps import AppConfig


class Accounts(AppConfig):
    name = "sightline.web.accounts"
    label = "accounts"

    def ready(self) -> None:
        from sightline.web.accounts import signals

        signals.connect()
