from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0006_held_files"),
    ]

    operations = []
