"""A mailbox is valid, temporarily invalid or invalid."""

from django.db import migrations, models


def carry_over(apps, schema_editor):
    apps.get_model("postvak", "Mailbox").objects.filter(is_valid=False).update(validity="invalid")


def carry_back(apps, schema_editor):
    apps.get_model("postvak", "Mailbox").objects.exclude(validity="valid").update(is_valid=False)


class Migration(migrations.Migration):
    dependencies = [("postvak", "0002_shipped_rows")]
    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="validity",
            field=models.CharField(
                choices=[("valid", "valid"), ("temporarily", "temporarily invalid"), ("invalid", "invalid")],
                default="valid",
                max_length=12,
                verbose_name="validity",
            ),
        ),
        migrations.RunPython(carry_over, carry_back),
        migrations.RemoveField(model_name="mailbox", name="is_valid"),
    ]
