"""When the administrators were told by mail that a mailbox is silent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postvak", "0006_outbox")]
    operations = [
        migrations.AddField(
            model_name="mailbox", name="alarmed_at", field=models.DateTimeField(blank=True, null=True)
        )
    ]
