"""Whether any pinned package has a known vulnerability: `python -m security.audit [--must-run]`.

Asks what it can reach: a database of advisories in the OSV format (a folder or a .zip, one JSON document to an
advisory, named by SIGHTLINE_ADVISORIES), and pip-audit and npm where they are installed and answer. A check that
could not run says so; with --must-run, as for a release, it fails when none ran. Exit codes: 0 nothing found, 1
something found, 2 not run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from security.locks import ROOT, Package, packages

ADVISORIES = "SIGHTLINE_ADVISORIES"
# Advisories judged not to reach us, each with the reason; one that is gone from the databases should go from here.
ACCEPTED: dict[str, str] = {}
_ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm"}
_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Check:
    """One way of asking: whether it ran, why not, and what it found (advisory and package)."""

    name: str
    ran: bool
    why: str = ""
    found: tuple[tuple[str, str], ...] = ()


def against_advisories(held: Iterable[Package], advisories: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The pairs of advisory and package, of those pinned, that the advisories say are affected."""
    known: dict[tuple[str, str], list[Package]] = {}
    for package in held:
        known.setdefault((_ECOSYSTEMS[package.ecosystem], package.name.lower()), []).append(package)
    found = []
    for advisory in advisories:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            said = affected.get("package", {})
            name = str(said.get("name", "")).lower()
            if said.get("ecosystem") == "PyPI":
                name = re.sub(r"[-_.]+", "-", name)
            for package in known.get((said.get("ecosystem", ""), name), ()):
                if _affected(package.version, affected):
                    found.append((str(advisory["id"]), f"{package.name} {package.version}"))
    return sorted(set(found))


def _affected(version: str, said: Mapping[str, Any]) -> bool:
    if version in said.get("versions", ()):
        return True
    return any(_in_range(version, r.get("events", ())) for r in said.get("ranges", ()) if r.get("type") != "GIT")


def _in_range(version: str, events: Iterable[Mapping[str, str]]) -> bool:
    """Whether a version lies in a range of OSV's: introduced (from), fixed (before), last_affected (up to)."""
    try:
        ours = Version(version)
        within = False
        for event in events:
            if "introduced" in event and (event["introduced"] == "0" or ours >= Version(event["introduced"])):
                within = True
            if "fixed" in event and ours >= Version(event["fixed"]):
                within = False
            if "last_affected" in event and ours > Version(event["last_affected"]):
                within = False
    except InvalidVersion:
        # Better one advisory too many to read than one too few.
        return True
    return within


def read_advisories(place: Path) -> Iterator[Mapping[str, Any]]:
    """Each advisory of a folder, or of a .zip, of OSV documents."""
    if place.is_dir():
        for path in sorted(place.rglob("*.json")):
            yield json.loads(path.read_bytes())
        return
    with zipfile.ZipFile(place) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def _offline(held: list[Package]) -> Check:
    place = os.environ.get(ADVISORIES, "")
    if not place:
        return Check("advisories on this machine", False, f"{ADVISORIES} names none")
    if not Path(place).exists():
        return Check("advisories on this machine", False, f"{ADVISORIES} names {place}, which is not there")
    found = against_advisories(held, read_advisories(Path(place)))
    return Check("advisories on this machine", True, found=tuple(found))


def _pip_audit(held: list[Package]) -> Check:
    program = shutil.which("pip-audit")
    if program is None:
        return Check("pip-audit", False, "it is not installed")
    pinned = ("--requirement", "locks/runtime.txt", "--require-hashes", "--disable-pip")
    told = _asked([program, *pinned, "--format", "json"])
    if not isinstance(told, dict) or "dependencies" not in told:
        return Check("pip-audit", False, "its service could not be reached")
    pairs = [(v["id"], f"{d['name']} {d['version']}") for d in told["dependencies"] for v in d.get("vulns", ())]
    return Check("pip-audit", True, found=tuple(sorted(pairs)))


def _npm_audit(held: list[Package]) -> Check:
    program = shutil.which("npm") or next(map(str, (ROOT / ".venv").glob("bin/npm")), None)
    if program is None:
        return Check("npm audit", False, "npm is not installed")
    told = _asked([program, "audit", "--json", "--package-lock-only", "--prefix", "frontend"])
    if not isinstance(told, dict) or "vulnerabilities" not in told:
        return Check("npm audit", False, "its service could not be reached")
    pairs = [(str(v.get("severity")), name) for name, v in told["vulnerabilities"].items()]
    return Check("npm audit", True, found=tuple(sorted(pairs)))


def _asked(command: list[str]) -> Any:
    """What a program prints as JSON; None where it prints none, or takes too long."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)
        return json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None


CHECKS: tuple[Callable[[list[Package]], Check], ...] = (_offline, _pip_audit, _npm_audit)


def main(arguments: list[str]) -> int:
    must_run = arguments == ["--must-run"]
    if arguments and not must_run:
        print("python -m security.audit takes --must-run, and nothing else.", file=sys.stderr)
        return 2
    checks = [check(packages()) for check in CHECKS]
    for check in checks:
        open_ = [(advisory, package) for advisory, package in check.found if advisory not in ACCEPTED]
        if not check.ran:
            print(f"Not run: {check.name} ({check.why}).")
        else:
            print(f"{check.name}: {len(open_)} found.")
        for advisory, package in open_:
            print(f"  {advisory}: {package}")
    if any(advisory not in ACCEPTED for check in checks for advisory, _ in check.found):
        return 1
    if not any(check.ran for check in checks):
        print("No check ran, so nothing is known of what is pinned. That is not a pass.")
        return 2 if must_run else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
