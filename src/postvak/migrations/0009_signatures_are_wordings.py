"""The signature of a brand becomes a wording of it; `{agent}` becomes a placeholder."""

from django.db import migrations

OLD, NEW = "{agent}", "{{ agent.name }}"


def to_wordings(apps, schema_editor):
    Brand, Wording = apps.get_model("postvak", "Brand"), apps.get_model("postvak", "Wording")
    for brand in Brand.objects.exclude(signature=""):
        text = brand.signature.replace(OLD, NEW)
        if text.strip():
            Wording.objects.get_or_create(brand=brand, part="signature", language="", defaults={"text": text})
    if schema_editor.connection.vendor == "postgresql":  # a table with unchecked rows can't be changed
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def to_brands(apps, schema_editor):
    Wording = apps.get_model("postvak", "Wording")
    for wording in Wording.objects.filter(brand__isnull=False, part="signature", language="").select_related("brand"):
        wording.brand.signature = wording.text.replace(NEW, OLD)
        wording.brand.save(update_fields=["signature"])


class Migration(migrations.Migration):
    dependencies = [("postvak", "0008_sending")]
    operations = [
        migrations.RunPython(to_wordings, to_brands),
        migrations.RemoveField("brand", "signature"),
    ]
