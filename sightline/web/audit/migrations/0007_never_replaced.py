"""On SQLite an INSERT OR REPLACE takes a row away without asking the trigger on DELETE: it is refused as well."""

from django.db import migrations

SAYS = "Entries of a log are never changed or deleted."
# Each table, and by which of its columns a new row could take the place of another.
TABLES = {
    "audit_accessentry": ("id", "hash"),
    "audit_changeentry": ("id", "hash"),
    "audit_securityentry": ("id", "hash"),
    "audit_shownchild": ("id",),
    "audit_purge": ("id",),
}
SQLITE = """
CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE {alike})
BEGIN SELECT RAISE(ABORT, '{says}'); END
"""


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        return  # PostgreSQL has no such statement, and its ON CONFLICT DO UPDATE asks the trigger on UPDATE.
    for table, columns in TABLES.items():
        alike = " OR ".join(f"{column} = NEW.{column}" for column in columns)
        schema_editor.execute(SQLITE.format(table=table, alike=alike, says=SAYS))


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_sampled_views")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
