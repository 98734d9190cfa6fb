from django.db import migrations, models

from postvak.models import wake_triggers


def install(apps, schema_editor):
    wake_triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    wake_triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    """Workers hear of new work (LISTEN, NOTIFY; PostgreSQL only), and no mailbox waits for another one."""

    dependencies = [("postvak", "0022_ciphers")]
    operations = [
        migrations.AddIndex(
            model_name="receipt",
            index=models.Index(
                condition=models.Q(("state", "done"), _negated=True),
                fields=["mailbox", "id"],
                name="receipt_to_do_by_mailbox",
            ),
        ),
        migrations.RunPython(install, remove),
    ]
