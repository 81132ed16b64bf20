from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0003_decisions"),
    ]

    operations = [
        migrations.AddField(
            model_name="incomingfile",
            name="deaths",
            field=models.PositiveSmallIntegerField(default=0, help_text="how often a worker or decoder died over it"),
        ),
    ]
