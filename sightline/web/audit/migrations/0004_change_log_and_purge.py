"""A third log, of changes; and purges, which are recorded, and without which the database lets nothing be deleted."""

from django.db import migrations, models

SAYS = "Entries of a log are never changed or deleted."
YOUNG = "Entries younger than a year are not purged."
LOGS = ("audit_accessentry", "audit_changeentry", "audit_securityentry")
# Each table whose rows go with a log's entries: the log, and the column that names the entry.
DELETED = {
    "audit_accessentry": ("audit_accessentry", "id"),
    "audit_changeentry": ("audit_changeentry", "id"),
    "audit_securityentry": ("audit_securityentry", "id"),
    "audit_shownchild": ("audit_accessentry", "entry"),
}
SQLITE_FIXED = """
CREATE TRIGGER {table}_no_{verb} BEFORE {VERB} ON {table} BEGIN SELECT RAISE(ABORT, '{says}'); END
"""
SQLITE_PURGED = """
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
WHEN OLD.{column} > coalesce((SELECT max(last_entry) FROM audit_purge WHERE log = '{log}'), 0)
BEGIN SELECT RAISE(ABORT, '{says}'); END
"""
SQLITE_YOUNG = """
CREATE TRIGGER audit_purge_{log} BEFORE INSERT ON audit_purge
WHEN NEW.log = '{log}' AND EXISTS
    (SELECT 1 FROM {log} WHERE id <= NEW.last_entry AND at > datetime('now', '-365 days'))
BEGIN SELECT RAISE(ABORT, '{says}'); END
"""
POSTGRESQL = """
CREATE OR REPLACE FUNCTION sightline_delete_if_purged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE upto bigint;
BEGIN
    SELECT coalesce(max(last_entry), 0) INTO upto FROM audit_purge WHERE log = TG_ARGV[0];
    IF (to_jsonb(OLD) ->> TG_ARGV[1])::bigint > upto THEN
        RAISE EXCEPTION '{says}';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE FUNCTION sightline_purge_is_old() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE young boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE id <= $1 AND at > now() - interval ''365 days'')', NEW.log)
        INTO young USING NEW.last_entry;
    IF young THEN
        RAISE EXCEPTION '{young}';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_purge_is_old BEFORE INSERT ON audit_purge
FOR EACH ROW EXECUTE FUNCTION sightline_purge_is_old();
"""
POSTGRESQL_FIXED = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE{also} ON {table}
FOR EACH ROW EXECUTE FUNCTION sightline_append_only();
CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION sightline_append_only();
"""
POSTGRESQL_PURGED = """
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION sightline_delete_if_purged('{log}', '{column}');
"""


def guard(apps, schema_editor):
    run = schema_editor.execute
    if schema_editor.connection.vendor == "sqlite":
        for table, (log, column) in DELETED.items():
            run(f"DROP TRIGGER IF EXISTS {table}_no_delete")
            run(SQLITE_PURGED.format(table=table, log=log, column=column, says=SAYS))
        for table, verbs in (("audit_changeentry", ("update",)), ("audit_purge", ("update", "delete"))):
            for verb in verbs:
                run(SQLITE_FIXED.format(table=table, verb=verb, VERB=verb.upper(), says=SAYS))
        for log in LOGS:
            run(SQLITE_YOUNG.format(log=log, says=YOUNG))
        return
    run(POSTGRESQL.format(says=SAYS, young=YOUNG), params=None)
    for table, (log, column) in DELETED.items():
        run(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
        run(f"DROP TRIGGER IF EXISTS {table}_never_emptied ON {table}")
        run(POSTGRESQL_FIXED.format(table=table, also=""))
        run(POSTGRESQL_PURGED.format(table=table, log=log, column=column))
    run(POSTGRESQL_FIXED.format(table="audit_purge", also=" OR DELETE"))


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_shown_children"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangeEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_label", models.CharField(blank=True, max_length=150)),
                ("session_hash", models.CharField(blank=True, max_length=64)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("request_id", models.CharField(blank=True, max_length=32)),
                ("previous", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64, unique=True)),
                ("action", models.CharField(max_length=60)),
                ("subject", models.CharField(max_length=120)),
                ("child_ids", models.JSONField(default=list)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("purpose", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "verbose_name": "change log",
                "verbose_name_plural": "change log",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Purge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("log", models.CharField(max_length=60)),
                ("last_entry", models.BigIntegerField()),
                ("last_hash", models.CharField(max_length=64)),
                ("last_at", models.DateTimeField()),
                ("entries", models.BigIntegerField()),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("made_by", models.CharField(max_length=150)),
            ],
        ),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
