"""Starting: safe or not at all. Secrets, settings, assets, charts and colours."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tomllib
from datetime import date, timedelta
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import pytest

from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings
from sightline.web import assets, keys
from sightline.web.colour import BRAND, PALETTE, checked_brand, contrast
from sightline.web.pages import charts
from sightline.web.serving import RefusesToServe, check_safe
from sightline.web.settings import _database as database

ROOT = Path(__file__).parents[2]


def test_what_is_deleted_leaves_no_bytes_in_the_database_of_a_home(tmp_path: Path):
    options = database(tmp_path, "")["OPTIONS"]
    held = sqlite3.connect(tmp_path / "application.sqlite3")
    held.execute("PRAGMA secure_delete=OFF")  # some systems build the library with it on
    held.executescript(options["init_command"])
    held.execute("CREATE TABLE adult (name TEXT)")
    held.executemany("INSERT INTO adult VALUES (?)", [(f"Quillon Marsh {n}",) for n in range(200)])
    held.commit()
    held.execute("DELETE FROM adult")
    held.commit()
    held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Quillon" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    held.close()


# Secrets


def test_a_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    home = tmp_path / "home"
    first = keys.kept(home, "secret-key")
    assert keys.kept(home, "secret-key") == first
    assert len(first) > 60
    assert stat.S_IMODE((home / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [p.name for p in home.iterdir()] == ["secret-key"]
    assert keys.kept(tmp_path / "other", "secret-key") != first


# Settings: each in a process of its own, since Django reads them once


def settings_in(tmp_path: Path, show: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SIGHTLINE_", "DJANGO_"))}
    script = f"from sightline.web import settings as s; print({show})"
    return subprocess.run(
        [sys.executable, "-c", script], env={**clean, "SIGHTLINE_HOME": str(tmp_path), **environment}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_settings_are_strict_unless_it_is_the_demonstration(tmp_path):
    show = (
        "s.DEBUG, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_NAME, "
        "s.ALLOWED_HOSTS, s.SECURE_HSTS_SECONDS > 0, s.DATABASES['default']['ENGINE'].rpartition('.')[2]"
    )
    strict = settings_in(tmp_path, show)
    assert strict.stdout.strip() == "False True True True __Host-sightline [] True sqlite3", strict.stderr
    demonstration = settings_in(tmp_path, show, SIGHTLINE_DEMONSTRATION="1", SIGHTLINE_HOSTS="example.org")
    assert demonstration.stdout.strip() == (
        "False False False False sightline ['127.0.0.1', 'localhost', '[::1]'] False sqlite3"
    )


def test_postgresql_is_one_address(tmp_path):
    held = settings_in(
        tmp_path, "[s.DATABASES['default'][k] for k in ('NAME', 'USER', 'PASSWORD', 'HOST', 'PORT')]",
        SIGHTLINE_DATABASE_URL="postgresql://sight:p%40ss@db.internal:5433/line",
    )  # fmt: skip
    assert held.stdout.strip() == "['line', 'sight', 'p@ss', 'db.internal', '5433']", held.stderr


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SIGHTLINE_DATABASE_URL": "mysql://x/y"}, "must read postgresql://"),
        ({"SIGHTLINE_DEMONSTRATION": "maybe"}, "SIGHTLINE_DEMONSTRATION must be 1 or 0"),
        ({"SIGHTLINE_BRAND_COLOUR": "#ffee00"}, "too light"),
        ({"SIGHTLINE_BRAND_COLOUR": "green"}, "must be a colour"),
    ],
)
def test_a_wrong_setting_is_one_sentence(tmp_path, environment, says):
    refused = settings_in(tmp_path, "'started'", **environment)
    assert refused.returncode
    assert says in refused.stderr
    assert "started" not in refused.stdout


@pytest.mark.parametrize(
    ("host", "changed", "says"),
    [
        ("0.0.0.0", {"SIGHTLINE_DEMONSTRATION": True}, "127.0.0.1 only"),
        ("example.org", {"SIGHTLINE_DEMONSTRATION": True}, "127.0.0.1 only"),
        ("127.0.0.1", {"ALLOWED_HOSTS": []}, "Say which names"),
        ("127.0.0.1", {"ALLOWED_HOSTS": ["*"]}, "Say which names"),
        ("127.0.0.1", {"ALLOWED_HOSTS": ["vs.example.org"]}, "over TLS"),
        ("127.0.0.1", {"SIGHTLINE_DEMONSTRATION": True}, None),
        ("::1", {"SIGHTLINE_DEMONSTRATION": True}, None),
        ("0.0.0.0", {"ALLOWED_HOSTS": ["vs.example.org"], "SIGHTLINE_BEHIND_PROXY": True}, None),
    ],
)
def test_it_refuses_to_serve_unsafely(settings, host, changed, says):
    for name, value in changed.items():
        setattr(settings, name, value)
    if says is None:
        check_safe(host)
    else:
        with pytest.raises(RefusesToServe, match=says):
            check_safe(host)


def test_importing_the_package_does_not_make_django_ready():
    script = "import sys, sightline.web; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Assets


def test_what_is_built_carries_no_branding_and_names_no_other_host():
    assets.build()
    assert sorted(p.name for p in assets.BUILT.iterdir() if p.suffix != ".gz") == [
        "STAMP",
        "app.css",
        "app.js",
        "charts.js",
        "passkeys.js",
    ]
    css = (assets.BUILT / "app.css").read_text(encoding="utf-8")
    for banned in ("GDS Transport", "crest", "url(http", "url(/", "@font-face", "@import"):
        assert banned not in css
    assert "helvetica" in css.lower()
    for name in assets.OUTPUTS:
        text = (assets.BUILT / name).read_text(encoding="utf-8")
        assert "sourceMappingURL" not in text
        assert "govuk-crest" not in text


def test_a_build_is_skipped_when_its_inputs_are_unchanged(tmp_path, monkeypatch):
    ran = []

    def pretends(command, folder, node):
        ran.append(command)
        for name in assets.OUTPUTS:
            (out / name).write_text(name)

    out = tmp_path / "built"
    out.mkdir()
    frontend = tmp_path / "frontend"
    (frontend / "src").mkdir(parents=True)
    for name in assets.INPUTS:
        shutil.copy(assets.FRONTEND / name, frontend / name)
    monkeypatch.setattr(assets, "_run", pretends)
    monkeypatch.setattr(assets, "_node", lambda: (Path("node"), ["npm"]))
    assert assets.build(frontend=frontend, out=out)
    assert len(ran) == 2
    assert not assets.build(frontend=frontend, out=out)
    (frontend / "src" / "app.scss").write_text("// changed")
    assert assets.build(frontend=frontend, out=out)
    (out / "charts.js").unlink()
    assert assets.build(frontend=frontend, out=out)


def test_an_installation_without_assets_says_so(tmp_path):
    with pytest.raises(assets.AssetsNotBuilt, match="not in this installation"):
        assets.build(frontend=tmp_path / "nowhere", out=tmp_path / "built")


def test_the_lock_holds_hashes_and_no_address():
    lock = json.loads((assets.FRONTEND / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: held for name, held in lock["packages"].items() if name}
    assert packages
    assert "http" not in json.dumps(lock)
    assert all("integrity" in held and "resolved" not in held for held in packages.values())


# Colours


def test_colours_can_be_told_apart():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert checked_brand(BRAND) == BRAND
    for one, other in pairwise(PALETTE):
        assert contrast(one, other) >= 3
    for colour in (PALETTE[0], PALETTE[2]):
        assert contrast(colour, "#ffffff") >= 4.5


def test_a_light_brand_is_refused():
    with pytest.raises(BadSetting, match="too light"):
        checked_brand("#ffdd00")


# Charts

MONDAY = date(2026, 6, 1)


def weeks(*rates: float | None) -> list[charts.Week]:
    return [
        charts.Week(
            MONDAY + timedelta(weeks=n), 0 if rate is None else 1000, 0, 0 if rate is None else round(1000 - 10 * rate)
        )
        for n, rate in enumerate(rates)
    ]


def test_a_chart_is_a_valid_specification_with_gaps_and_the_same_numbers_as_its_table():
    import altair as alt

    chart = charts.attendance(weeks(91, None, 88, 95), whose="these 3 children", settings=Settings())
    specification = json.loads(chart.specification)
    alt.Chart.from_dict(specification)
    line = next(layer for layer in specification["layer"] if layer["mark"]["type"] == "line")
    assert line["data"] == {"name": "weeks"}
    assert [v["rate"] for v in specification["datasets"]["weeks"]] == [91.0, None, 88.0, 95.0]
    assert all(layer["encoding"]["y"]["scale"]["domain"] == [80, 100] for layer in specification["layer"])
    assert line["mark"]["invalid"] == "break-paths-show-domains"
    assert [w.rate for w in chart.weeks] == [91.0, None, 88.0, 95.0]
    assert len(specification["layer"]) <= 4
    assert "http" not in re.sub(r'"\$schema":"[^"]*"', "", chart.specification)


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        ((90,), "was 90.0% in the last week with sessions"),
        ((90, 92), "was 91.0% in the last two weeks with sessions"),
        (
            (80, 90, 90, 90, 90),
            "was 90.0% in the last four weeks with sessions, 10.0 points higher than in the week before",
        ),
        ((90, 90, 85, 85, 85, 85), "5.0 points lower than in the two weeks before"),
        ((90, 90, 90, 90, 90, 90), "the same as in the two weeks before"),
        ((90, None, 90, 90, None, 90, 80), "was 87.5% in the last four weeks with sessions, 2.5 points lower"),
    ],
)
def test_the_message_is_made_from_the_numbers(rates, says):
    chart = charts.attendance(weeks(*rates), whose="this child", settings=Settings())
    assert chart.message.startswith("Attendance of this child was ")
    assert says in chart.message


def test_the_message_compares_the_weeks_that_the_settings_compare():
    chart = charts.attendance(
        weeks(90, 90, 80, 70, 60), whose="this child", settings=Settings(drift_recent_weeks=2, drift_before_weeks=1)
    )
    assert "was 65.0% in the last two weeks with sessions, 15.0 points lower than in the week before" in chart.message


def test_the_description_says_the_extremes_and_the_gaps():
    said = charts.attendance(weeks(91, None, 88, 95), whose="x", settings=Settings()).describes
    assert "for 3 weeks from 1 June 2026 to 22 June 2026" in said
    assert "Lowest 88.0% in the week of 15 June 2026" in said
    assert "highest 95.0% in the week of 22 June 2026" in said
    assert "1 of these weeks were below 90%" in said
    assert "1 weeks without sessions are gaps" in said


def test_no_week_with_sessions_is_no_chart():
    assert charts.attendance(weeks(None, None), whose="x", settings=Settings()) is None


def test_weeks_of_adds_up_schools_and_leaves_missing_weeks_empty():
    rows = [
        {"week": MONDAY, "possible": 10, "authorised": 1, "unauthorised": 0},
        {"week": MONDAY, "possible": 4, "authorised": None, "unauthorised": 2},
    ]
    got = charts.weeks_of(rows, MONDAY, MONDAY + timedelta(weeks=2))
    assert got == (charts.Week(MONDAY, 14, 1, 2), charts.Week(MONDAY + timedelta(weeks=1), 0, 0, 0))


def test_a_wheel_holds_what_is_built_and_not_committed():
    """Hatch leaves out what git ignores, unless it is named: every ignored file of the package must be."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "artifacts"
    ]
    ignored = subprocess.run(
        ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "sightline"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    wanted = [name for name in ignored if "__pycache__" not in name]
    assert {"app.css", "app.js", "charts.js"} <= {Path(name).name for name in wanted}
    assert [name for name in wanted if not any(fnmatch(name, pattern) for pattern in named)] == []
