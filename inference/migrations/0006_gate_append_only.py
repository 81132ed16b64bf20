from django.db import migrations

from bonefrac.db import append_only


class Migration(migrations.Migration):
    dependencies = [("inference", "0005_gate")]

    operations = [append_only("inference_gateverdict"), append_only("inference_useoftest")]
