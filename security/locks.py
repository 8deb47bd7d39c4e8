"""What the locks pin: every Python distribution and every npm package, with its version, licence and hashes."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
# In this order: a package that runs is named as such, whatever else also needs it.
PYTHON = (("locks/runtime.txt", "required"), ("locks/assets.txt", "excluded"), ("locks/test.txt", "excluded"))
NPM = "frontend/package-lock.json"
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Package:
    """One row per pinned package. `scope` is CycloneDX's: required to run, or excluded (it builds or tests)."""

    ecosystem: str
    name: str
    version: str
    scope: str
    licence: str
    hashes: tuple[tuple[str, str], ...]

    @property
    def purl(self) -> str:
        name = self.name.replace("@", "%40")
        return f"pkg:{self.ecosystem}/{name}@{self.version}"


def packages(root: Path = ROOT) -> list[Package]:
    """Every pinned package, each once, in order of ecosystem and name. Raises ValueError on a line nobody can read."""
    found: dict[tuple[str, str, str], Package] = {}
    for lock, scope in PYTHON:
        for package in _python(root / lock, scope):
            found.setdefault((package.ecosystem, package.name, package.version), package)
    for package in _npm(root / NPM):
        found.setdefault((package.ecosystem, package.name, package.version), package)
    return [found[key] for key in sorted(found)]


def _python(lock: Path, scope: str) -> list[Package]:
    entries: list[tuple[str, str, list[tuple[str, str]]]] = []
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if pinned := _PINNED.match(text):
            entries.append((_normal(pinned[1]), pinned[2], []))
        elif not text.startswith("--hash="):
            raise ValueError(f"{lock.name}, line {number}, is neither a pinned package nor a hash.")
        for digest in _HASH.findall(text):
            entries[-1][2].append(("SHA-256", digest))
    return [Package("pypi", name, version, scope, _licence(name), tuple(held)) for name, version, held in entries]


def _npm(lock: Path) -> list[Package]:
    """What the lock pins. All of it builds; what the pages are then built from is named in frontend/package.json."""
    held = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    made = []
    for path, said in held.items():
        if not path:
            continue
        kind, _, digest = str(said.get("integrity", "")).partition("-")
        hashes = (("SHA-512", base64.b64decode(digest).hex()),) if kind == "sha512" else ()
        name = path.rpartition("node_modules/")[2]
        licence = said.get("license", "")
        made.append(Package("npm", name, said["version"], "excluded", licence, hashes))
    return made


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(name: str) -> str:
    """The licence as the installed package tells it; empty where it is not installed or does not say in one line."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    said = told.get("License-Expression") or told.get("License") or ""
    if said and "\n" not in said and len(said) < 80:
        return str(said)
    classes = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier") or () if c.startswith("License :: ")]
    return classes[0] if classes else ""
