import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

import bonefrac.db


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0006_held_files"),
    ]

    operations = [
        migrations.CreateModel(
            name="Identity",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=bonefrac.db.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "sealed",
                    models.BinaryField(help_text="the fields of studies.dicom.headers.IDENTITY, as encrypted JSON"),
                ),
                ("kept_at", models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                (
                    "study",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="identity", to="studies.study"
                    ),
                ),
            ],
            options={"verbose_name_plural": "identities"},
        ),
        migrations.AddIndex(
            model_name="studyimage",
            index=models.Index(
                condition=models.Q(("original", ""), _negated=True), fields=["added_at"], name="image_with_original"
            ),
        ),
    ]
