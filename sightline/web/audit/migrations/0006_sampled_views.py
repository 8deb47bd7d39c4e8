"""What reviewing the month's sample of records opened found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_found_by_time")]

    operations = [
        migrations.CreateModel(
            name="SampledView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField()),
                ("entry", models.BigIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("in order", "In order"),
                            ("explained", "Explained when asked"),
                            ("not in order", "Not in order: passed on"),
                        ],
                        max_length=20,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"indexes": [models.Index(fields=["entry"], name="sampled_entry")]},
        ),
    ]
