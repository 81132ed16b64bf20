"""Images that move between studies, notices to those who saw them, and contradictions of header and person."""

import bonefrac.db
import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

ONLY_SEEN = """
CREATE OR REPLACE FUNCTION bonefrac_refuse_but_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seen_at IS NULL AND to_jsonb(OLD) - 'seen_at' = to_jsonb(NEW) - 'seen_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a notice stays as it is, but that it is seen once: % refused', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'studies_notice_only_seen';
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("inference", "0006_gate_append_only"),
        ("studies", "0007_confidentiality"),
    ]

    operations = [
        migrations.CreateModel(
            name="Discrepancy",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=bonefrac.db.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "fact",
                    models.CharField(
                        choices=[("side", "side"), ("body_part", "body part"), ("sex", "sex")], max_length=16
                    ),
                ),
                ("header_value", models.CharField(max_length=16)),
                ("entered_value", models.CharField(max_length=16)),
                ("found_at", models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                ("chosen", models.CharField(blank=True, default="", max_length=16)),
                ("answered_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "discrepancies",
                "ordering": ["found_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=bonefrac.db.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("image_added", "image added"),
                            ("image_moved", "image moved"),
                            ("split", "split"),
                            ("merged", "merged"),
                            ("voided", "voided"),
                            ("restored", "restored"),
                            ("reopened", "reopened"),
                            ("contradicted", "header and entry differ"),
                        ],
                        max_length=16,
                    ),
                ),
                ("sentence", models.CharField(max_length=500)),
                ("made_at", models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                ("seen_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-made_at", "-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="decision",
            name="decision_event",
        ),
        migrations.RemoveConstraint(
            model_name="studyimage",
            name="image_once_per_study",
        ),
        migrations.RemoveConstraint(
            model_name="studyimage",
            name="radiograph_once_per_study",
        ),
        migrations.AddField(
            model_name="study",
            name="merged_into",
            field=models.ForeignKey(
                help_text="where its later images go",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="studies.study",
            ),
        ),
        migrations.AddField(
            model_name="studyimage",
            name="moved_from",
            field=models.OneToOneField(
                help_text="the row that it continues",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="moved_to",
                to="studies.studyimage",
            ),
        ),
        migrations.AddField(
            model_name="studyimage",
            name="withdrawn_at",
            field=models.DateTimeField(help_text="moved to another study; kept for what was signed", null=True),
        ),
        migrations.AlterField(
            model_name="decision",
            name="event",
            field=models.CharField(
                choices=[
                    ("sign", "Sign"),
                    ("adjudicate", "Adjudicate"),
                    ("amend", "Amend"),
                    ("reopen", "Reopen"),
                    ("add_image", "Add image"),
                    ("move_image", "Move images away"),
                    ("split", "Split"),
                    ("merge", "Merge into another study"),
                    ("report_problem", "Report a problem"),
                    ("void", "Void"),
                    ("restore", "Restore"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "event__in",
                        [
                            "sign",
                            "adjudicate",
                            "amend",
                            "reopen",
                            "add_image",
                            "move_image",
                            "split",
                            "merge",
                            "report_problem",
                            "void",
                            "restore",
                        ],
                    )
                ),
                name="decision_event",
            ),
        ),
        migrations.AddConstraint(
            model_name="studyimage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at__isnull", True)),
                fields=("study", "sop_instance_uid"),
                name="image_once_per_study",
            ),
        ),
        migrations.AddConstraint(
            model_name="studyimage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at__isnull", True)),
                fields=("study", "radiograph"),
                name="radiograph_once_per_study",
            ),
        ),
        migrations.AddField(
            model_name="discrepancy",
            name="answered_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="discrepancy",
            name="study",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="discrepancies", to="studies.study"
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="notices", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="study",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="studies.study"
            ),
        ),
        migrations.AddConstraint(
            model_name="discrepancy",
            constraint=models.CheckConstraint(
                condition=models.Q(("fact__in", ["side", "body_part", "sex"])), name="discrepancy_fact"
            ),
        ),
        migrations.AddConstraint(
            model_name="discrepancy",
            constraint=models.UniqueConstraint(
                fields=("study", "fact", "header_value", "entered_value"), name="discrepancy_asked_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="discrepancy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at__isnull", True), ("answered_by__isnull", True), ("chosen", "")),
                    models.Q(
                        models.Q(("chosen", ""), _negated=True),
                        ("answered_at__isnull", False),
                        ("answered_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="discrepancy_answered_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["person", "-made_at", "-id"], name="notice_by_person"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(condition=models.Q(("seen_at__isnull", True)), fields=["person"], name="notice_unseen"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "image_added",
                            "image_moved",
                            "split",
                            "merged",
                            "voided",
                            "restored",
                            "reopened",
                            "contradicted",
                        ],
                    )
                ),
                name="notice_kind",
            ),
        ),
        migrations.RunSQL(
            sql=[
                ONLY_SEEN,
                "CREATE TRIGGER studies_notice_only_seen BEFORE UPDATE OR DELETE ON studies_notice "
                "FOR EACH ROW EXECUTE FUNCTION bonefrac_refuse_but_seen()",
            ],
            reverse_sql=[
                "DROP TRIGGER studies_notice_only_seen ON studies_notice",
                "DROP FUNCTION bonefrac_refuse_but_seen()",
            ],
        ),
    ]
