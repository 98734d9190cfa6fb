import pytest, json
from postvak.models import *
from postvak.process.filters.draft import Draft
from postvak.process.filters.check import names, problems
from postvak.process.filters.store import save_filter
from postvak.process.run import process_due, explain
from tests.mails import mail
from postvak.receive.accept import accept
from tests.process.test_pipeline import receive
from django.db import connection
from django.test.utils import CaptureQueriesContext
from postvak.process.plan_json import plan_as_json
from postvak.log.sentences import trace_line

@pytest.mark.django_db
def test_smoke(mailbox, support):
    box = mailbox; box.is_trusted = True; box.save()
    CustomField.objects.create(key="Foo", label="Foo")
    d = Draft.from_json({"name":"10 x","conditions":[{"field":"header:X-OTRS-Priority","operator":"equals","value":"5"},{"field":"subject","operator":"matches","value":r"order (\d+)"}],
      "actions":[{"set":"title","value":"Order [***]","on":"both"},{"set":"add_tags","value":"order, x","on":"both"},{"set":"status","value":"to clarify","on":"new"},{"set":"note","value":"from {from}","on":"both"}]})
    assert problems(d, names()) == []
    save_filter(d, by=None)
    raw = mail(subject="order 12", x_otrs_priority="5", x_postvak_dynamicfield_foo="1", x_otobo_followup_queue="Sales", x_znuny_owner="nobody")
    r, = receive(box, raw)
    t = r.ticket
    for e in r.trace.entries: print(trace_line(e))
    print(t.subject, t.status, t.priority, t.tags.all(), t.fields, t.messages.all(), t.message_count, Filter.objects.get().hits)
    raw = mail(subject="order 13", message_id="x2@y", x_otobo_followup_queue="Inbox", in_reply_to="<m1@customer.example>", x_otrs_followup_priority="5 very high")
    r, = receive(box, raw)
    for e in r.trace.entries: print(trace_line(e))
    with CaptureQueriesContext(connection) as q:
        f,p = explain(mail(subject="order 13", message_id="x3@y",in_reply_to="<m1@customer.example>"), Receipt(mailbox=box, source="x", size=1, received_at=r.received_at))
    for x in q: print(x["sql"][:300])
    print(json.dumps(plan_as_json(f,p), indent=1)[:1500])
    for h in t.history.all(): print(h.code, h.parameters)
