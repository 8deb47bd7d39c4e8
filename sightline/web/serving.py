"""Start the application: refuse to start insecure, bring the database up to date, then serve."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from sightline.vocabulary.errors import SightlineError

Answer = TypeVar("Answer")
SETTINGS = "sightline.web.settings"


class RefusesToServe(SightlineError):
    """Served this way, the application would not be safe."""

    exit_code = 6


def prepare(home: Path, *, demonstration: bool = False) -> None:
    """Make Django ready in this process, for one home. The first call decides; a second for another home is refused."""
    os.environ["SIGHTLINE_HOME"] = str(home)
    if demonstration:
        os.environ["SIGHTLINE_DEMONSTRATION"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)

    import django
    from django.apps import apps
    from django.conf import settings

    if not apps.ready:
        django.setup()
    if Path(settings.SIGHTLINE_HOME).resolve() != home.resolve():
        raise RefusesToServe("This process already serves another home.")
    if demonstration and not settings.SIGHTLINE_DEMONSTRATION:
        raise RefusesToServe("This process was started without the demonstration.")


def migrate() -> None:
    """Bring the application database up to date, and its cache table."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)


def check_safe(host: str) -> None:
    """Raises RefusesToServe when people could be let in without the protection this needs."""
    from django.conf import settings

    local = host == "localhost" or _is_loopback(host)
    if settings.SIGHTLINE_DEMONSTRATION:
        if not local:
            raise RefusesToServe("The demonstration is served on 127.0.0.1 only: it has no second factor and no TLS.")
        return
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        raise RefusesToServe("Say which names the service answers to, in SIGHTLINE_HOSTS (for example vs.example.org).")
    if not settings.SIGHTLINE_BEHIND_PROXY:
        raise RefusesToServe(
            "Outside the demonstration pages are served over TLS: put a proxy that ends TLS in front, "
            "let it set X-Forwarded-Proto and X-Forwarded-For, and set SIGHTLINE_BEHIND_PROXY=1."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def aside(task: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
    """Do a task in a process of its own and return its answer.

    DuckDB has threads, and they do not live on in a process that is forked: a server that had a snapshot open before
    it forked its workers would leave them waiting for ever. So nothing that opens one is done in the server itself.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as processes:
        return processes.submit(task, *arguments, **named).result()


def make_ready(home: Path, *, demonstration: bool = False) -> bool:
    """Bring the application database up to date and project the newest snapshot; False when nothing was received yet.

    Before the first visitor, since the projection of a large authority takes seconds.
    """
    prepare(home, demonstration=demonstration)
    migrate()

    from sightline.vocabulary.errors import NothingHeld
    from sightline.web import facts

    try:
        facts.open_current()
    except NothingHeld:
        return False
    return True


def serve(
    home: Path, host: str = "127.0.0.1", port: int = 8000, *, demonstration: bool = False, workers: int = 2
) -> None:
    """Serve the pages until stopped. Raises a SightlineError where it cannot start."""
    from sightline.web import assets

    prepare(home, demonstration=demonstration)
    check_safe(host)
    assets.build()
    if not aside(make_ready, home, demonstration=demonstration):
        print("Nothing has been received yet: the pages say so until something is.", file=sys.stderr)

    from django.core.wsgi import get_wsgi_application

    _run(get_wsgi_application(), host, port, workers)


def _run(application: Any, host: str, port: int, workers: int) -> None:
    if sys.platform == "win32":
        from waitress import serve as waitress_serve

        waitress_serve(application, host=host, port=port, threads=2 * workers)
        return
    from gunicorn.app.base import BaseApplication

    class Gunicorn(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            for name, value in {
                "bind": at,
                "workers": workers,
                # One request at a time in a process: a DuckDB connection is never shared between threads.
                "worker_class": "sync",
                "timeout": 60,
                "graceful_timeout": 10,
                "max_requests": 5000,
                "max_requests_jitter": 500,
                "limit_request_line": 4094,
                "control_socket_disable": True,
                "accesslog": None,
                "errorlog": "-",
                "loglevel": "warning",
                "proc_name": "sightline",
            }.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            return application

    Gunicorn().run()
