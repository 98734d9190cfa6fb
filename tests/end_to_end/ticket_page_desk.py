"""Run with an installation's environment: Bob, and tickets whose mails want pictures of the server named by argv[1]."""

import os
import sys
from email.message import EmailMessage
from email.policy import SMTP

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Address, Agent, Brand, Mailbox, Message, Queue, Ticket  # noqa: E402
from postvak.receive.accept import Arrived, accept  # noqa: E402
from tests.mails import mail  # noqa: E402
from tests.servers import wait_until  # noqa: E402

server = sys.argv[1]
queue = Queue.objects.create(name="Support", brand=Brand.objects.get(), colour="sea")
queue.address = Address.objects.create(email="support@example.org", display_name="Example Support", queue=queue)
queue.save()
bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob Baker")
queue.members.add(bob)
Agent.objects.filter(pk=bob.pk).update(undo_seconds=0, language="en")


def newsletter(subject: str, sender: str, message_id: str) -> bytes:
    return (
        f"From: {sender}\r\nTo: support@example.org\r\nSubject: {subject}\r\nMessage-ID: <{message_id}>\r\n"
        "Content-Type: text/html; charset=utf-8\r\n\r\n"
        f'<p style="background: url({server}/style.png)">Hello</p><img src="{server}/{message_id}.png" width=40 height=40>'
        f'<img src="{server}/pixel.png" width=1 height=1><link rel="dns-prefetch" href="{server}">'
        f'<link rel="stylesheet" href="{server}/sheet.css"><table background="{server}/table.png"><tr><td>x</td></tr></table>'
        f'<video src="{server}/film.mp4" poster="{server}/poster.png"></video><iframe src="{server}/frame"></iframe>'
        "<p>Bye</p>\r\n"
    ).encode()


def files() -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ann <ann@customer.example>", "support@example.org", "Files"
    made["Message-ID"] = "<files@customer.example>"
    made.set_content("Two files.")
    made.add_attachment(b"first file", maintype="text", subtype="plain", filename="one.txt")
    made.add_attachment(b"second file", maintype="text", subtype="plain", filename="two.txt")
    return made.as_bytes(policy=SMTP)


raws = [
    newsletter("First", "Shop <news@shop.example>", "first"),
    newsletter("Second", "Shop <news@shop.example>", "second"),
    newsletter("Stranger", "Other <news@other.example>", "stranger"),
    files(),
    mail(subject="Long", message_id="long@customer.example", text="Message 0"),
]
box = Mailbox.objects.get(kind="local")
accept(box, [Arrived(f"page/{at}", raw) for at, raw in enumerate(raws)])
wait_until(lambda: Ticket.objects.count() == len(raws), seconds=50, what="tickets made by the running worker")
more = [
    mail(message_id=f"long{at}@customer.example", in_reply_to="<long@customer.example>", text=f"Message {at}")
    for at in range(1, 30)
]
accept(box, [Arrived(f"page/more/{at}", raw) for at, raw in enumerate(more)])
long = Ticket.objects.get(subject="Long")
wait_until(lambda: long.messages.count() == len(more) + 1, seconds=50, what="follow-ups")
shop = Message.objects.filter(author_email="news@shop.example")
shop.update(trust={"level": "verified", "why": []})  # else its pictures can't be allowed for always
for ticket in Ticket.objects.all():
    print(ticket.number, ticket.subject)
