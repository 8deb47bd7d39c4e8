"""One row per upload, so that its progress outlives the page that started it."""

import uuid

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waits for check", "Waiting to be checked"),
                            ("checking", "Being checked"),
                            ("checked", "Checked: load it or discard it"),
                            ("refused", "Nothing in it can be loaded"),
                            ("waits for load", "Waiting to be loaded"),
                            ("loading", "Being loaded"),
                            ("loaded", "Loaded"),
                            ("discarded", "Discarded"),
                            ("undone", "Loaded, and undone"),
                            ("failed", "Stopped"),
                        ],
                        default="waits for check",
                        max_length=20,
                    ),
                ),
                ("sent_by", models.CharField(max_length=310)),
                ("sent_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("heartbeat", models.DateTimeField(default=django.utils.timezone.now)),
                ("message", models.CharField(blank=True, max_length=300)),
                ("files", models.JSONField(default=list)),
                ("preview", models.JSONField(null=True)),
                ("receipt", models.JSONField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=310)),
                ("snapshot", models.CharField(blank=True, max_length=100)),
            ],
            options={
                "ordering": ["-sent_at", "-pk"],
            },
        ),
    ]
