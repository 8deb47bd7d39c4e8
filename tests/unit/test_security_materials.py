"""The bill of materials holds what the locks pin, and the audit tells what is found, what is not, and what did not run."""

import json
import re

import pytest

from security import audit, locks, sbom
from security.audit import Check, against_advisories, read_advisories
from security.locks import Package


@pytest.fixture(scope="module")
def held():
    return locks.packages()


def test_every_pinned_package_is_a_component(held):
    made = sbom.bill(held)
    named = {c["purl"] for c in made["components"]}
    assert len(named) == len(made["components"]) == len(held)
    for lock, _ in locks.PYTHON:
        pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==([^\s;\\]+)", (locks.ROOT / lock).read_text(), re.MULTILINE)
        assert pins
        assert {f"pkg:pypi/{re.sub('[-_.]+', '-', n).lower()}@{v}" for n, v in pins} <= named
    npm = json.loads((locks.ROOT / locks.NPM).read_text())["packages"]
    assert sum(c["purl"].startswith("pkg:npm/") for c in made["components"]) == len({
        (path.rpartition("node_modules/")[2], said["version"]) for path, said in npm.items() if path
    })  # fmt: skip


def test_what_runs_is_told_from_what_builds_and_tests(held):
    by_name = {p.name: p for p in held}
    assert by_name["django"].scope == "required" and by_name["django"].licence
    assert by_name["pytest"].scope == "excluded" and by_name["sass"].scope == "excluded"
    assert all(p.hashes for p in held if p.ecosystem == "pypi")


def test_the_bill_names_no_address_but_its_schema_and_is_the_same_again(held):
    text = json.dumps(sbom.bill(held), sort_keys=True)
    assert text == json.dumps(sbom.bill(locks.packages()), sort_keys=True)
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://cyclonedx.org/schema/bom-1.6.schema.json"}


def test_a_line_of_a_lock_that_nobody_can_read_stops_it(tmp_path):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "runtime.txt").write_text("django>=5\n")
    with pytest.raises(ValueError, match="line 1"):
        locks.packages(tmp_path)


def advisory(name="Some_Package", ecosystem="PyPI", **affected):
    return {"id": "TEST-1", "affected": [{"package": {"ecosystem": ecosystem, "name": name}, **affected}]}


@pytest.mark.parametrize(
    ("affected", "found"),
    [
        ({"versions": ["1.2.3"]}, True),
        ({"versions": ["1.2.4"]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.4"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.3"}]}]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.3"}]}]}, False),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"last_affected": "1.2.3"}]}]}, True),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"last_affected": "1.2"}]}]}, False),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, False),
        ({"ecosystem": "npm", "versions": ["1.2.3"]}, False),
    ],
)
def test_an_advisory_is_held_against_the_version_pinned(affected, found):
    package = Package("pypi", "some-package", "1.2.3", "required", "", ())
    told = advisory(**affected)
    assert against_advisories([package], [told]) == ([("TEST-1", "some-package 1.2.3")] if found else [])
    assert against_advisories([package], [told | {"withdrawn": "2026-01-01"}]) == []


def test_an_advisory_of_a_pinned_package_is_found_and_fails(tmp_path, monkeypatch, capsys):
    django = next(p for p in locks.packages() if p.name == "django")
    (tmp_path / "one.json").write_text(json.dumps(advisory("Django", versions=[django.version])))
    assert len(list(read_advisories(tmp_path))) == 1
    monkeypatch.setenv(audit.ADVISORIES, str(tmp_path))
    monkeypatch.setattr(audit, "CHECKS", (audit._offline,))
    assert audit.main([]) == 1
    assert f"django {django.version}" in capsys.readouterr().out
    monkeypatch.setattr(audit, "ACCEPTED", {"TEST-1": "not reached"})
    assert audit.main([]) == 0


def test_a_check_that_did_not_run_is_not_a_pass(monkeypatch, capsys):
    monkeypatch.setattr(audit, "CHECKS", (lambda held: Check("anything", False, "nobody answered"),))
    assert audit.main([]) == 0
    assert "Not run: anything" in capsys.readouterr().out
    assert audit.main(["--must-run"]) == 2
    monkeypatch.setattr(audit, "CHECKS", (lambda held: Check("anything", True),))
    assert audit.main(["--must-run"]) == 0
