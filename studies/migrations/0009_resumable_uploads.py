import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import bonefrac.db


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_site_confidentiality_and_limits"),
        ("studies", "0008_late_arrivals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ResumableUpload",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=bonefrac.db.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("batch", models.UUIDField()),
                ("length", models.PositiveBigIntegerField()),
                ("received", models.PositiveBigIntegerField(default=0)),
                ("writer", models.PositiveIntegerField(default=0)),
                ("sealed", models.BinaryField(null=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "file",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="studies.incomingfile",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.site"
                    ),
                ),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.AddIndex(
            model_name="resumableupload",
            index=models.Index(fields=["owner", "expires_at"], name="upload_by_owner"),
        ),
        migrations.AddConstraint(
            model_name="resumableupload",
            constraint=models.CheckConstraint(
                condition=models.Q(("received__lte", models.F("length"))), name="upload_not_beyond_its_length"
            ),
        ),
        migrations.AddConstraint(
            model_name="resumableupload",
            constraint=models.CheckConstraint(
                condition=models.Q(("file__isnull", True), ("sealed__isnull", True), _connector="OR"),
                name="upload_forgets_once_it_is_in",
            ),
        ),
        migrations.AddIndex(
            model_name="incomingfile", index=models.Index(fields=["batch", "position"], name="file_by_batch")
        ),
        migrations.AlterField(model_name="incomingfile", name="batch", field=models.UUIDField()),
    ]
