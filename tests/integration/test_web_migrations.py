"""Migrations go forward from the first release, with its data, on both databases; and models and migrations agree."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

SCRIPT = Path(__file__).with_name("first_release.py")


@contextmanager
def empty_database() -> Iterator[str]:
    """The address of an empty PostgreSQL database, where the tests are run on one; else nothing, which is SQLite."""
    server = os.environ.get("SIGHTLINE_TEST_DATABASE_URL", "")
    if not server:
        yield ""
        return
    import psycopg

    name = f"first_release_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as database:
            database.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_migrations_go_forward_from_the_first_release_with_its_data(tmp_path: Path):
    with empty_database() as url:
        told = os.environ | {
            "SIGHTLINE_HOME": str(tmp_path / "home"), "SIGHTLINE_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "sightline.web.settings",
        }  # fmt: skip
        done = subprocess.run([sys.executable, str(SCRIPT)], env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == ("postgresql" if url else "sqlite")


@pytest.mark.django_db
def test_models_and_migrations_agree():
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
