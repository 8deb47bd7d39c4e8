"""All roles and their scopes: trusts, reviewing officers and Early Help join teams, schools and workers."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def made_anew(apps, schema_editor):
    """The projection is made again at the next start: it holds more now."""
    apps.get_model("people", "Projection").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EarlyHelp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start_date", models.DateField(null=True)),
                ("end_date", models.DateField(null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NamedReview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start_date", models.DateField(null=True)),
                ("end_date", models.DateField(null=True)),
                ("worker_ref", models.CharField(max_length=200)),
                ("made_by", models.CharField(max_length=150)),
                ("reason", models.CharField(max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start_date", models.DateField(null=True)),
                ("end_date", models.DateField(null=True)),
                ("worker_ref", models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="School",
            fields=[
                ("urn", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, max_length=300)),
                ("trust_ref", models.CharField(blank=True, db_index=True, max_length=60)),
                ("trust_name", models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="grant",
            name="grant_names_its_scope",
        ),
        migrations.AddField(
            model_name="grant",
            name="trust_ref",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AlterField(
            model_name="grant",
            name="role",
            field=models.CharField(
                choices=[
                    ("virtual_school_head", "Virtual School Head"),
                    ("officer", "Virtual School officer"),
                    ("data_officer", "Data officer"),
                    ("team_manager", "Team manager"),
                    ("service_manager", "Service manager"),
                    ("social_worker", "Social worker"),
                    ("reviewing_officer", "Reviewing officer"),
                    ("school_lead", "School safeguarding lead"),
                    ("headteacher", "Headteacher"),
                    ("trust_lead", "Trust lead"),
                    ("governor", "Governor or panel member"),
                    ("early_help_manager", "Early Help manager"),
                    ("information_governance", "Information governance"),
                    ("administrator", "Administrator"),
                ],
                max_length=40,
            ),
        ),
        migrations.AlterField(
            model_name="grant",
            name="scope",
            field=models.CharField(
                choices=[
                    ("authority", "every child of the authority"),
                    ("team", "children of one team"),
                    ("school", "children on one school's roll"),
                    ("trust", "children on the rolls of one trust's schools"),
                    ("own", "children allocated to one worker"),
                    ("reviewing", "children whom one reviewing officer reviews"),
                    ("early help", "children with Early Help"),
                    ("nobody", "no child"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="restriction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sealed", "Sealed"),
                    ("conflict", "Conflict of interest"),
                    ("address", "Confidential address"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("scope__in", ["authority", "early help", "nobody"]),
                    models.Q(("scope", "team"), models.Q(("team_ref", ""), _negated=True)),
                    models.Q(("scope", "school"), models.Q(("urn", ""), _negated=True)),
                    models.Q(("scope", "trust"), models.Q(("trust_ref", ""), _negated=True)),
                    models.Q(("scope__in", ["own", "reviewing"]), models.Q(("worker_ref", ""), _negated=True)),
                    _connector="OR",
                ),
                name="grant_names_its_scope",
            ),
        ),
        migrations.AddField(
            model_name="earlyhelp",
            name="child",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="early_help", to="people.child"
            ),
        ),
        migrations.AddField(
            model_name="namedreview",
            name="child",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="named_reviews", to="people.child"
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="child",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="reviews", to="people.child"
            ),
        ),
        migrations.AddIndex(
            model_name="namedreview",
            index=models.Index(fields=["worker_ref"], name="named_review_worker"),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["worker_ref"], name="review_worker"),
        ),
        migrations.RunPython(made_anew, migrations.RunPython.noop),
    ]
