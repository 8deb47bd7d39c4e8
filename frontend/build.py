"""Build the stylesheet and scripts, at set-up: `python frontend/build.py`. Quick when nothing has changed.

Uses the machine's Node; where there is none, first installs the Node of the dependency group "assets" from its lock.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sightline.web import assets

LOCK = Path(__file__).parents[1] / "locks" / "assets.txt"


def main() -> None:
    if assets.up_to_date():
        print("The stylesheet and scripts are up to date.")
        return
    if not assets.node_is_here() and LOCK.is_file():
        print("There is no Node here: installing the one of the lock.")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
    assets.build()
    print("Built the stylesheet and scripts.")


if __name__ == "__main__":
    try:
        main()
    except assets.AssetsNotBuilt as why:
        sys.exit(str(why))
    except subprocess.CalledProcessError:
        sys.exit("Node could not be installed from locks/assets.txt.")
