import bonefrac.db
import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("studies", "0009_resumable_uploads"),
    ]

    operations = [
        migrations.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=bonefrac.db.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("ae_title", models.CharField(max_length=16, verbose_name="calling AE title")),
                (
                    "called_ae_title",
                    models.CharField(blank=True, default="", max_length=16, verbose_name="called AE title"),
                ),
                ("address", models.CharField(blank=True, default="", max_length=43, verbose_name="address or network")),
                ("label", models.CharField(blank=True, default="", max_length=80, verbose_name="what it is")),
                ("is_active", models.BooleanField(default=True)),
                (
                    "added_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="devices", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="devices", to="accounts.site"
                    ),
                ),
            ],
            options={
                "ordering": ["-added_at", "-id"],
                "indexes": [models.Index(fields=["site", "-added_at", "-id"], name="device_by_site")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)),
                        fields=("ae_title", "called_ae_title"),
                        name="device_caller_once",
                    ),
                ],
            },
        ),
    ]
