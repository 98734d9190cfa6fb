"""The first numbers of open tickets, and when old tickets were answered first. The triggers that go
on counting are made by the newest migration that they need (0019)."""

from django.db import migrations

TALLY = """INSERT INTO postvak_tally (queue_id, assignee_id, status_id, is_private, number)
    SELECT queue_id, coalesce(assignee_id, 0), status_id, is_private, count(*) FROM postvak_ticket
    WHERE is_open AND NOT is_spam AND merged_into_id IS NULL GROUP BY 1, 2, 3, 4"""
FIRST_ANSWER = """UPDATE postvak_ticket SET first_answered_at = (
    SELECT min(m.created_at) FROM postvak_message m WHERE m.ticket_id = postvak_ticket.id AND m.kind = 'outgoing'
    AND m.author_kind = 'agent' AND NOT m.is_internal AND m.taken_back_at IS NULL)"""


def fill(apps, schema_editor):
    for statement in (TALLY, FIRST_ANSWER):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("postvak", "0013_workplace")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
