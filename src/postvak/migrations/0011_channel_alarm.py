"""When the administrators were told by mail that a channel is broken."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postvak", "0010_search")]
    operations = [
        migrations.AddField(model_name="channel", name="alarmed_at", field=models.DateTimeField(blank=True, null=True))
    ]
