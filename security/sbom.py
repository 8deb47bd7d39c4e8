"""The bill of materials of this release as CycloneDX 1.6, from the locks alone: `python -m security.sbom OUT`.

The same locks, with the same packages installed to tell their licences, give the same file byte for byte.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

from security.locks import Package, packages
from sightline import __version__


def bill(held: list[Package]) -> dict[str, Any]:
    """The bill of materials: Sightline, and one component per pinned package."""
    product = {"type": "application", "bom-ref": "sightline", "name": "sightline", "version": __version__,
               "licenses": [{"license": {"id": "MIT"}}]}  # fmt: skip
    components = [_component(package) for package in held]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(components, sort_keys=True))}",
        "version": 1,
        "metadata": {"component": product},
        "components": components,
        "dependencies": [
            {"ref": "sightline", "dependsOn": [p.purl for p in held if p.scope == "required"]},
            *({"ref": p.purl} for p in held),
        ],
    }


def _component(package: Package) -> dict[str, Any]:
    group, _, name = package.name.rpartition("/")
    made: dict[str, Any] = {"type": "library", "bom-ref": package.purl, "name": name, "version": package.version,
                            "scope": package.scope, "purl": package.purl}  # fmt: skip
    if group:
        made["group"] = group
    if package.licence:
        made["licenses"] = [{"license": {"name": package.licence}}]
    if package.hashes:
        # Of each file the lock accepts, one: a wheel for each kind of machine.
        made["hashes"] = [{"alg": alg, "content": digest} for alg, digest in package.hashes]
    return made


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("Say where to write: python -m security.sbom OUT.cdx.json", file=sys.stderr)
        return 2
    out = Path(arguments[0])
    held = packages()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bill(held), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    runs = sum(p.scope == "required" for p in held)
    print(f"{len(held)} packages ({runs} of them run) written to {out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
