"""Entries are found by when they were written."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0004_change_log_and_purge"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="accessentry",
            index=models.Index(fields=["at", "actor_id"], name="access_at"),
        ),
        migrations.AddIndex(
            model_name="changeentry",
            index=models.Index(fields=["at"], name="change_at"),
        ),
        migrations.AddIndex(
            model_name="securityentry",
            index=models.Index(fields=["at"], name="security_at"),
        ),
    ]
