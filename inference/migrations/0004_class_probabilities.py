from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0003_job_lists"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="prediction",
            name="prediction_state",
        ),
        migrations.AddField(
            model_name="modelversion",
            name="map_kind",
            field=models.CharField(
                choices=[
                    ("head", "where the model suspects a fracture"),
                    ("activation", "where the model looked"),
                    ("none", "no map"),
                ],
                default="activation",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="prediction",
            name="caution",
            field=models.CharField(
                blank=True, default="", help_text="what a reader must know beside the score", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="prediction",
            name="label",
            field=models.CharField(
                blank=True, default="", help_text="the most probable class of a model that names classes", max_length=40
            ),
        ),
        migrations.AddField(
            model_name="prediction",
            name="probabilities",
            field=models.JSONField(
                blank=True, default=list, help_text="pairs of class and calibrated probability, the highest first"
            ),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="operating_points",
            field=models.JSONField(
                help_text="lower and upper calibrated probability of a fracture; null where a model names classes",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="prediction",
            name="probability",
            field=models.FloatField(help_text="calibrated, of a fracture on this image, or of the label", null=True),
        ),
        migrations.AlterField(
            model_name="prediction",
            name="state",
            field=models.CharField(
                choices=[
                    ("positive", "fracture suspected"),
                    ("doubt", "unsure"),
                    ("negative", "nothing suspected"),
                    ("classified", "classified"),
                    ("not_assessed", "not assessed"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("map_kind__in", ["head", "activation", "none"])), name="model_version_map_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["positive", "doubt", "negative", "classified", "not_assessed"])),
                name="prediction_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state", "classified"),
                        models.Q(("label", ""), _negated=True),
                        models.Q(("probabilities", []), _negated=True),
                    ),
                    models.Q(models.Q(("state", "classified"), _negated=True), ("label", ""), ("probabilities", [])),
                    _connector="OR",
                ),
                name="prediction_label_iff_classified",
            ),
        ),
    ]
