"""What a process runs to go from the first release's database to this one's: run by `test_web_migrations.py`.

A process of its own, on an empty database: going back is not what an authority does, and not what is tested.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, date, datetime
from typing import Any

import django
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# The newest migration of each application of ours in the first release. Applications that came later are not there.
FIRST_RELEASE = {"accounts": "0001_initial", "audit": "0003_shown_children", "people": "0001_initial"}
OTHERS = ("account", "auth", "contenttypes", "mfa", "sessions")


def main() -> None:
    django.setup()
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate([*FIRST_RELEASE.items(), *(node for node in newest if node[0] in OTHERS)])
    loader = MigrationExecutor(connection).loader
    before = _fill(loader.project_state(list(loader.applied_migrations)).apps)

    MigrationExecutor(connection).migrate(newest)
    new = MigrationExecutor(connection).loader.project_state(newest).apps
    for (app, name), held in before.items():
        after = _rows(new.get_model(app, name))
        assert len(after) == len(held), f"{app}.{name}"
        for was, now in zip(held, after, strict=True):
            kept = {key: value for key, value in was.items() if key in now}
            assert kept and {key: now[key] for key in kept} == kept, f"{app}.{name}"
    # What is projected is made again by the version that reads it.
    assert not new.get_model("people", "Projection").objects.exists()

    from sightline.web.audit.models import LOGS, AccessEntry

    assert all(log.verify().whole for log in LOGS)
    assert AccessEntry.objects.count() == 2
    AccessEntry.append(action="refused", outcome="refused", purpose="after")
    assert AccessEntry.verify().whole
    print(connection.vendor)


def _rows(model: Any) -> list[dict[str, Any]]:
    return list(model.objects.order_by("pk").values())


def _fill(old: Any) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """A person, a grant, a child with its projection, a restriction, and two entries of a log, as then."""
    day = date(2026, 1, 5)
    user = old.get_model("accounts", "User").objects.create(username="head", email="head@sightline.example")
    child = old.get_model("people", "Child").objects.create(child_id="child-1", public_id=uuid.uuid4())
    for name, told in (("Allocation", {"worker_ref": "w"}), ("Enrolment", {"urn": "990001"}),
                       ("PlanPeriod", {"status": "CP plan"})):  # fmt: skip
        old.get_model("people", name).objects.create(child=child, start_date=day, **told)
    old.get_model("people", "Projection").objects.create(snapshot="000001-20260105", as_at=day)
    old.get_model("people", "Grant").objects.create(
        user=user, role="virtual_school_head", scope="authority", valid_from=day, granted_by="test", reason="test"
    )
    sealed = old.get_model("people", "Restriction").objects.create(
        child=child, kind="sealed", valid_from=day, reason="test", made_by="test"
    )
    sealed.users.add(user)
    _log(old)
    kept = [("accounts", "User"), ("audit", "AccessEntry"), ("audit", "ShownChild"), ("people", "Child"),
            ("people", "Grant"), ("people", "Restriction"), ("people", "PlanPeriod")]  # fmt: skip
    return {(app, name): _rows(old.get_model(app, name)) for app, name in kept}


def _log(old: Any) -> None:
    """Two entries as the first release wrote and sealed them: its fields, which this version must still verify."""
    entry_of, shown_of = old.get_model("audit", "AccessEntry"), old.get_model("audit", "ShownChild")
    before = "0" * 64
    for n in range(2):
        entry = entry_of(
            at=datetime(2026, 1, 5, 9, n, tzinfo=UTC), actor_id=1, actor_label="head", action="viewed",
            child_ids=["child-1"], page="child", outcome="shown", previous=before,
        )  # fmt: skip
        held = {
            f.attname: getattr(entry, f.attname) for f in entry._meta.concrete_fields if f.attname not in {"id", "hash"}
        }
        held["at"] = entry.at.isoformat(timespec="microseconds")
        text = json.dumps(held, sort_keys=True, cls=DjangoJSONEncoder, separators=(",", ":"))
        entry.hash = before = hashlib.sha256(text.encode()).hexdigest()
        entry.save(force_insert=True)
        shown_of.objects.create(entry=entry.pk, child_id="child-1")


if __name__ == "__main__":
    main()
