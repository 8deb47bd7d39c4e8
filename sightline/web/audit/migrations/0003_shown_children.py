"""Entries of the access log are found by the children they speak of; that finding, too, is never changed."""

from django.db import migrations, models

BATCH = 1000
TABLE = "audit_shownchild"
SQLITE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {VERB} ON {table}
BEGIN SELECT RAISE(ABORT, 'Entries of a log are never changed or deleted.'); END
"""
POSTGRESQL = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION sightline_append_only();
CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION sightline_append_only();
"""


def entries_so_far(apps, schema_editor):
    entry, shown = apps.get_model("audit", "AccessEntry"), apps.get_model("audit", "ShownChild")
    batch = []
    for pk, child_ids in entry.objects.order_by("pk").values_list("pk", "child_ids").iterator(chunk_size=BATCH):
        batch += [shown(entry=pk, child_id=child) for child in dict.fromkeys(child_ids)]
        if len(batch) >= BATCH:
            shown.objects.bulk_create(batch)
            batch = []
    shown.objects.bulk_create(batch)


def append_only(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for verb in ("update", "delete"):
            schema_editor.execute(SQLITE.format(table=TABLE, verb=verb, VERB=verb.upper()))
    else:
        schema_editor.execute(POSTGRESQL.format(table=TABLE))


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [
        migrations.CreateModel(
            name="ShownChild",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry", models.BigIntegerField()),
                ("child_id", models.CharField(max_length=64)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["child_id", "entry"], name="shown_child_entry"),
                    models.Index(fields=["entry"], name="shown_entry"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="accessentry",
            index=models.Index(
                fields=["purpose"], condition=models.Q(("outcome", "refused")), name="access_refused_purpose"
            ),
        ),
        migrations.RunPython(entries_so_far, migrations.RunPython.noop),
        migrations.RunPython(append_only, migrations.RunPython.noop),
    ]
