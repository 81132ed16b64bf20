from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("inference", "0002_append_only")]

    operations = [
        migrations.AddIndex(
            model_name="predictionjob",
            index=models.Index(condition=Q(("status", "FAILED")), fields=["-finished_at", "-id"], name="job_failed"),
        ),
        migrations.AddIndex(
            model_name="predictionjob",
            index=models.Index(fields=["-requested_at", "-id"], name="job_by_time"),
        ),
    ]
