"""What the AI said of a study when it was ranked last, for the list's filter; filled for what is there."""

from django.db import migrations, models

FILL = """
UPDATE studies_study study SET ai_state = said.state
FROM (
    SELECT image.study_id, CASE
        WHEN bool_or(prediction.state = 'positive') THEN 'positive'
        WHEN bool_or(prediction.state IS NULL OR prediction.state = 'not_assessed') THEN 'unknown'
        WHEN bool_or(prediction.state = 'doubt') THEN 'doubt'
        ELSE 'negative' END AS state
    FROM studies_studyimage image
    LEFT JOIN (
        SELECT spoken.radiograph_id, spoken.state FROM inference_prediction spoken
        JOIN inference_modelversion model ON model.id = spoken.model_version_id
        WHERE model.task = 'fracture' AND model.status = 'ACTIVE'
    ) prediction ON prediction.radiograph_id = image.radiograph_id
    WHERE image.withdrawn_at IS NULL
    GROUP BY image.study_id
) said, accounts_site site
WHERE said.study_id = study.id AND site.id = study.site_id AND site.reading_mode = 'assisted'
    AND said.state <> 'unknown'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_reading_room"),
        ("inference", "0006_gate_append_only"),
        ("studies", "0013_undo"),
    ]

    operations = [
        migrations.AddField(
            model_name="study",
            name="ai_state",
            field=models.CharField(
                choices=[
                    ("positive", "fracture suspected"),
                    ("unknown", "not assessed"),
                    ("doubt", "unsure"),
                    ("negative", "nothing suspected"),
                ],
                db_default="unknown",
                default="unknown",
                help_text=("what the AI said when the study was ranked last; unknown where its site reads blind first"),
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.CheckConstraint(
                condition=models.Q(("ai_state__in", ["positive", "unknown", "doubt", "negative"])),
                name="study_ai_state",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
