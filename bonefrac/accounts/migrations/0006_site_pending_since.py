from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_reading_room"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="pending_since",
            field=models.DateTimeField(
                editable=False, help_text="since when open studies do not follow its terms yet", null=True
            ),
        ),
    ]
