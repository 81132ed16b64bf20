from django.db import migrations

from bonefrac.db import append_only


class Migration(migrations.Migration):
    dependencies = [("inference", "0001_initial")]

    operations = [
        append_only("inference_radiograph", erasable=["frame", "grey"]),
        append_only("inference_prediction", erasable=["heat_map", "regions"]),
    ]
