from django.db import migrations

from bonefrac.db import append_only


class Migration(migrations.Migration):
    dependencies = [("studies", "0001_initial")]

    operations = [
        append_only("studies_review", erasable=["note"]),
        append_only("studies_imagereading"),
        append_only("studies_finding"),
        append_only("studies_disclosure"),
        append_only("studies_dataset"),
        append_only("studies_datasetitem"),
        append_only("studies_splitgroup"),
        append_only("studies_splitmembership"),
    ]
