"""Run with an installation's environment: Eva, a channel, and one ticket to preview on."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Address, Agent, Brand, Channel, Mailbox, Queue  # noqa: E402
from postvak.process.run import process_due  # noqa: E402
from postvak.receive.accept import Arrived, accept  # noqa: E402
from tests.mails import mail  # noqa: E402

queue = Queue.objects.create(name="Support", brand=Brand.objects.get(), colour="sea")
queue.address = Address.objects.create(email="support@example.org", display_name="Support", queue=queue)
queue.save()
Channel.objects.create(name="Files", kind=Channel.Kind.FILE, is_default=True)
eva = Agent.objects.create_user("eva@example.org", "correct horse battery", name="Eva Admin", is_admin=True)
Agent.objects.filter(pk=eva.pk).update(language="en")
accept(Mailbox.objects.get(kind=Mailbox.Kind.LOCAL), [Arrived("message-centre/1", mail())])
process_due("message-centre:1:x")
