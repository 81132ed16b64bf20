import bonefrac.db
import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0004_class_probabilities"),
    ]

    operations = [
        migrations.CreateModel(
            name="GateVerdict",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=bonefrac.db.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[("pass", "pass"), ("fail", "fail"), ("not_enough_evidence", "not enough evidence")],
                        max_length=24,
                    ),
                ),
                (
                    "report",
                    models.JSONField(help_text="every check with its numbers, as training.comparison tells them"),
                ),
                (
                    "items_digest",
                    models.CharField(help_text="of the images that both models were judged on", max_length=64),
                ),
                ("images", models.PositiveIntegerField()),
                ("positives", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                (
                    "active",
                    models.ForeignKey(
                        help_text="the model that served then; null where none did and absolute floors were asked for",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inference.modelversion",
                    ),
                ),
                (
                    "candidate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gate_verdicts",
                        to="inference.modelversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["pass", "fail", "not_enough_evidence"])),
                        name="gate_verdict_verdict",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UseOfTest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=bonefrac.db.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "items_digest",
                    models.CharField(db_index=True, help_text="of the images of the test set", max_length=64),
                ),
                ("images", models.PositiveIntegerField()),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("report", "the report of a model that was registered"),
                            ("gate", "the gate before a promotion"),
                        ],
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="test_uses",
                        to="inference.modelversion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["report", "gate"])), name="test_use_purpose"
                    )
                ],
            },
        ),
    ]
