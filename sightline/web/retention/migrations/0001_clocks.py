from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def project_again(apps: Any, schema_editor: Any) -> None:
    """Forget which snapshot is projected: the next page that is opened projects it again, clocks and all."""
    apps.get_model("people", "Projection").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("people", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Clock",
            fields=[
                (
                    "child",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="clock",
                        serialize=False,
                        to="people.child",
                    ),
                ),
                ("closed_on", models.DateField(null=True)),
                ("plan_ended", models.DateField(null=True)),
                ("ever_6_until", models.DateField(null=True)),
            ],
        ),
        migrations.RunPython(project_again, migrations.RunPython.noop),
    ]
