"""Every address × every role: generated from the URL configuration, so that a new page without a rule fails here."""

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern

from postvak.mail.compose import File
from postvak.models import (
    Agent,
    AnswerTemplate,
    Channel,
    Customer,
    Draft,
    DraftFile,
    LedgerEntry,
    Mailbox,
    Membership,
    OutgoingMail,
    Prediction,
    Queue,
    Receipt,
    SavedView,
    Tag,
    Tagging,
    Ticket,
    TicketType,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets import bulk, people
from postvak.tickets.answer import Answer, answer
from postvak.tickets.drafts import USUAL_LIMIT, add_file
from postvak.tickets.side import start
from postvak.urls_with_api import urlpatterns
from postvak.web.session import is_public
from tests.mails import mail
from tests.web.test_desk import HTML

pytestmark = pytest.mark.django_db

DESK_OBJECTS = (
    "tickets/",
    "messages/",
    "attachments/",
    "receipts/",
    "ledger/<",
    "outgoing/",
    "templates/<",
    "drafts/<",
    "views/<",
    "bulk/<",
)
OPEN_TO_AGENTS = {
    "start",
    "list",
    "live",
    "bulk",
    "bulk-bar",
    "trash-note",
    "list-look",
    "navigation",
    "views",
    "view-new",
    "view-hits",
    "held",
    "ledger",
    "search",
    "suggestions",
    "held-decisions",
    "outbox",
    "outbox-decisions",
    "outbox-channel",
    "suppressions",
    "suppression-releases",
    "templates",
    "drafts",
    "new-mail",
    "new-ticket",
    "customers",  # names and addresses are for all agents; tickets on these pages only as allowed: test_customers.py
    "new-customer",
    "customer",
    "customer-addresses",
    "customer-address",
    "customer-address-removal",
    "customer-merge",
    "organisations",
    "new-organisation",
    "organisation-suggestions",
    "organisation",
    "organisation-merge",
    "compose-preview",
    "recipients",
    "recipient-hints",
    "mail-protection",
    "notices",
    "new-notices",
    "read-notices",
    "preferences",
    "preferences-preview",
    "programs",
    "program-new",
    "program-withdrawal",  # his own only: tests/web/test_programs.py
    "demo",  # in a demonstration only: test_demo.py
    "demo-write",
    "demo-mail",
    "keys",
    "manual",
    "manual-chapter",
    "palette",
    "palette-tickets",
    "reports",
    "report-table",
    "password",
    "logout",
    "second-factor-set-up",
    "own-login",
    "authenticator-app",
    "recovery-codes",
    "recovery-codes-renewal",
    "passkeys",
    "passkey-options",
    "session-end",
    "sessions-end",
    "confirmation",
    "confirmation-options",
    "factor-removal",  # of one's own only: test_second_factor.py
}
OF_THE_QUEUE = {"receipt-taking", "receipt-taken", "template-uses"}  # not of the ticket itself
OF_A_QUEUE = {"admin_queue", "admin_queue_signature", "admin_queue_signature_preview"}
OF_ADMINISTERED_QUEUES = {  # of whoever administers some queue; which templates: test_answer_templates.py
    "admin_answer_templates", "admin_answer_template_new", "admin_answer_template", "admin_answer_template_text",
    "admin_answer_template_preview", "admin_answer_template_file", "admin_answer_template_deletion",
}  # fmt: skip
OF_ONE_AGENT = {
    "view", "view-place", "view-removal", "bulk-change", "bulk-undo",
    "draft-removal", "draft-copies", "draft-files", "draft-file", "draft-file-removal",
}  # fmt: skip
PATTERNS = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]
CLOSED = [pattern for pattern in PATTERNS if not is_public(pattern.callback)]


@pytest.fixture
def objects(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel) -> dict[str, object]:
    """One of everything in the queue Support, which Cas must not see."""
    accept(mailbox, [Arrived("rights/1", mail()), Arrived("rights/2", HTML)])
    process_due("test:1:x")
    ticket = Ticket.objects.get(subject="Picture")
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    shared = Mailbox.objects.create(name="Shared", kind="http", queue=support)
    accept(shared, [Arrived("rights/3", b"")])
    process_due("test:1:x")
    aside = Receipt.objects.held().get()
    template = AnswerTemplate.objects.create(name="For support only")
    template.queues.add(support)
    return {
        "aside": aside,
        "ticket": ticket,
        "receipt": Receipt.objects.get(ticket=ticket),
        "outgoing": OutgoingMail.objects.order_by("pk")[0],
        "template": template,
        "file": draft_file(ticket, bob),
        "bulk": bulk.start("read", {"on": True}, [ticket.pk], by=bob),
        "view": SavedView.objects.create(agent=bob, name="Only for Bob"),
        "side": start(ticket, Answer(to=("dee@third.example",), subject="Part", text="Hi"), by=bob).side,
        "proposal": Prediction.objects.create(
            ticket=ticket, target="priority", label="4", probability=0.9, role="offered", made_at=ticket.created_at
        ),
    }


def draft_file(ticket: Ticket, bob: Agent) -> DraftFile:
    """A file of what Bob is writing."""
    draft = Draft.objects.create(ticket=ticket, agent=bob, text="Hi", changed_at=ticket.created_at)
    return add_file(draft, File("a.txt", "text/plain", b"a"), limit=USUAL_LIMIT)


def address_of(pattern: URLPattern, objects: dict[str, object]) -> str:
    """The path with the keys of our objects put in."""
    ticket, receipt, outgoing = objects["ticket"], objects["receipt"], objects["outgoing"]
    assert isinstance(ticket, Ticket)
    message = ticket.messages.order_by("pk")[0]
    keys = {
        "tickets/": ticket.number,
        "messages/": message.pk,
        "attachments/": message.attachments.all()[0].pk,
        "receipts/": receipt.pk,  # type: ignore[attr-defined]
        "ledger/<": LedgerEntry.objects.get(delivery__outgoing=outgoing).pk,  # type: ignore[misc]
        "outgoing/": outgoing.pk,  # type: ignore[attr-defined]
        "templates/<": objects["template"].pk,  # type: ignore[attr-defined]
        "drafts/<": objects["file"].draft_id,  # type: ignore[attr-defined]
        "bulk/<": objects["bulk"].pk,  # type: ignore[attr-defined]
        "views/<": objects["view"].pk,  # type: ignore[attr-defined]
    }
    route = str(pattern.pattern)
    route = route.replace("side-conversations/<int:pk>", f"side-conversations/{objects['side'].pk}")  # type: ignore[attr-defined]
    route = route.replace("proposals/<int:pk>", f"proposals/{objects['proposal'].pk}")  # type: ignore[attr-defined]
    if pattern.name in {"receipt-taking", "receipt-taken"}:
        keys["receipts/"] = objects["aside"].pk  # type: ignore[attr-defined]
    key = next((value for start, value in keys.items() if route.startswith(start)), 1)
    for placeholder in ("<int:number>", "<int:pk>"):
        route = route.replace(placeholder, str(key))
    route = route.replace("<int:part>", str(message.attachments.all()[0].part))
    route = route.replace("<int:file_pk>", str(objects["file"].pk))  # type: ignore[attr-defined]
    return "/" + route.replace("<slug:list_id>", "open").replace("<slug:form>", "zip").replace(
        "<slug:what>", "days"
    ).replace("<slug:name>", "none").replace("<slug:topic>", "lists")


def statuses(client: Client, agent: Agent, objects: dict[str, object]) -> Iterator[tuple[URLPattern, int]]:
    """Of every closed address; those that only take POST are posted to. What a call changes is undone."""
    for pattern in CLOSED:
        with transaction.atomic():
            client.force_login(agent)
            url = address_of(pattern, objects)
            response = client.get(url)
            response = client.post(url) if response.status_code == 405 else response
            response.close()
            transaction.set_rollback(True)
        yield pattern, response.status_code


def wrong(
    client: Client, agent: Agent, objects: dict[str, object], is_right: Callable[[URLPattern, int], bool]
) -> list[str]:
    found = statuses(client, agent, objects)
    return " ".join(f"{pattern.name}:{status}" for pattern, status in found if not is_right(pattern, status))


def is_of_a_ticket(pattern: URLPattern) -> bool:
    return str(pattern.pattern).startswith(DESK_OBJECTS)


def finds_nothing(pattern: URLPattern, status: int) -> bool:
    """What an agent gets who may not read the ticket: a new address without a rule is wrong."""
    if is_of_a_ticket(pattern):
        return status == 404
    if str(pattern.pattern).startswith(("admin/", "setup/")):
        return status in {403, 404}
    return pattern.name in OPEN_TO_AGENTS


def test_a_stranger_is_sent_to_the_log_in(client: Client, objects: dict[str, object]) -> None:
    for pattern in CLOSED:
        response = client.get(address_of(pattern, objects))
        assert response.status_code == 302, pattern.name
        assert response.headers["Location"].startswith("/login/"), pattern.name


def test_an_agent_of_another_queue_finds_nothing(client: Client, cas: Agent, objects: dict[str, object]) -> None:
    assert wrong(client, cas, objects, finds_nothing) == ""


def test_a_member_finds_nothing_of_a_private_ticket_that_a_colleague_has(
    client: Client, bob: Agent, admin: Agent, objects: dict[str, object]
) -> None:
    """But its lead, and who has it."""
    Ticket.objects.filter(subject="Picture").update(is_private=True, assignee=admin)
    assert (
        wrong(
            client,
            bob,
            objects,
            lambda pattern, status: pattern.name in OF_THE_QUEUE | OF_ONE_AGENT or finds_nothing(pattern, status),
        )
        == ""
    )
    client.force_login(bob)
    number = Ticket.objects.get(subject="Picture").number
    Membership.objects.filter(agent=bob).update(is_lead=True)
    assert client.get(f"/tickets/{number}/").status_code == 200
    Membership.objects.filter(agent=bob).update(is_lead=False)
    Ticket.objects.filter(number=number).update(assignee=bob)
    assert client.get(f"/tickets/{number}/").status_code == 200


@pytest.mark.parametrize("who", ["bob", "admin"])
def test_a_member_of_the_queue_and_an_administrator_may(
    client: Client, who: str, objects: dict[str, object], request: pytest.FixtureRequest
) -> None:
    agent = request.getfixturevalue(who)
    for pattern in CLOSED:
        if is_of_a_ticket(pattern) and not (who == "admin" and pattern.name in OF_ONE_AGENT):
            client.force_login(agent)
            response = client.get(address_of(pattern, objects))
            response.close()
            assert response.status_code in {200, 405}, pattern.name


def test_an_agent_of_another_queue_sees_nothing_in_lists(
    client: Client, cas: Agent, objects: dict[str, object]
) -> None:
    client.force_login(cas)
    number = Ticket.objects.get(subject="Picture").number
    for url in ("/", "/list/unassigned/", "/list/waiting/", "/held/", "/ledger/", "/search/?q=is:open", "/drafts/"):
        assert number not in client.get(url).content.decode()
    support = Queue.objects.get(name="Support")
    assert client.get(f"/list/queue-{support.pk}/").status_code == 404


# -- roles in the queue ----------------------------------------------------------------------------

FOR_READERS = {  # nothing of the ticket changes for others
    "ticket-followers", "ticket-presence", "draft-removal", "draft-file-removal", "bulk-undo", "template-uses", "views",
    "view", "view-place", "view-removal", "ticket-colleagues", "message-remote", "drafts",
    "ticket-trash",  # as a change of many: left alone, with the reason
    "draft-files",  # no file came along
    "message-opening",  # what protects a mail is looked at again
}  # fmt: skip
OF_ADMINISTRATORS = {"receipt-sender", "receipt-sender-allowance"}
NO_OBJECT = {"ticket-record-removal", "repeat-message"}  # what the data names is not there


def everything_at_once(objects: dict[str, object], bob: Agent) -> dict[str, object]:
    """What any form on a ticket sends: each address takes what it knows."""
    ticket = Ticket.objects.get(subject="Picture")
    delivery = OutgoingMail.objects.order_by("pk")[0].deliveries.all()[0]
    kind, tag = TicketType.objects.create(name="Fault"), Tag.objects.create(name="old")
    Tagging.objects.create(ticket=ticket, tag=tag)
    return {
        "status": "closed", "queue": Queue.objects.get(name="Sales").pk, "agent": bob.pk, "priority": "1", "tags": "vip",
        "title": "Another", "spam": "1", "on": "1", "sure": "1", "text": "Hi", "to": "dee@third.example", "subject": "Part",
        "ticket": Ticket.objects.exclude(pk=ticket.pk)[0].number, "follow": "1", "address": "new@third.example",
        "url": "https://shop.example/7", "kind": "related", "until": "2099-01-01T09:00", "delivery": delivery.pk,
        "type": kind.pk, "tag": tag.pk, "customer": Customer.objects.create(name="Zoe").pk, "about": ticket.messages.order_by("pk")[0].pk,
        "proposal": objects["proposal"].pk,  # type: ignore[attr-defined]
    }  # fmt: skip


def posted(
    client: Client, bob: Agent, objects: dict[str, object], keeps: Callable[[str, int], bool]
) -> Iterator[tuple[str, int]]:
    """(name, status) of every address of a ticket and what hangs on it, posted to; what `keeps` says no to is wrong."""
    data = everything_at_once(objects, bob)
    client.force_login(bob)
    for pattern in CLOSED:
        if is_of_a_ticket(pattern):
            with transaction.atomic():
                response = client.post(address_of(pattern, objects), data)
                response.close()
                transaction.set_rollback(True)
            if response.status_code != 405 and not keeps(str(pattern.name), response.status_code):
                yield str(pattern.name), response.status_code


def test_who_only_reads_changes_nothing_by_any_address(
    client: Client, bob: Agent, sales: Queue, objects: dict[str, object]
) -> None:
    people.give(sales, bob, "reader")
    people.give(Queue.objects.get(name="Support"), bob, "reader")
    found = posted(client, bob, objects, lambda name, status: status in {403, 404} or name in FOR_READERS)
    assert " ".join(f"{name}:{status}" for name, status in found) == ""


@pytest.mark.parametrize("role", ["agent", "lead", "administrator"])
def test_the_other_roles_are_refused_nowhere(
    client: Client, bob: Agent, sales: Queue, objects: dict[str, object], role: str
) -> None:
    people.give(sales, bob, role)
    people.give(Queue.objects.get(name="Support"), bob, role)
    found = posted(
        client,
        bob,
        objects,
        lambda name, status: name in OF_ADMINISTRATORS | NO_OBJECT or status not in {403, 404},
    )
    assert " ".join(f"{name}:{status}" for name, status in found) == ""


@pytest.mark.parametrize("role", ["reader", "agent", "lead", "administrator"])
def test_of_the_administration_the_roles_open_at_most_the_queue(
    client: Client, bob: Agent, sales: Queue, objects: dict[str, object], role: str
) -> None:
    support = Queue.objects.get(name="Support")
    people.give(support, bob, role)
    client.force_login(bob)
    theirs = OF_ADMINISTERED_QUEUES if role == "administrator" else set()
    for pattern in CLOSED:
        if str(pattern.pattern).startswith("admin/") and pattern.name not in {"admin", *OF_A_QUEUE, *theirs}:
            assert client.get(address_of(pattern, objects)).status_code in {403, 404, 405}, pattern.name
    may = 200 if role == "administrator" else 403
    assert client.get("/admin/answer-templates/").status_code == may
    assert client.get(f"/admin/queues/{support.pk}/").status_code == may
    assert client.get(f"/admin/queues/{support.pk}/signature/").status_code == may
    assert client.post(f"/admin/queues/{support.pk}/signature/preview/").status_code == may
    assert client.get(f"/admin/queues/{sales.pk}/signature/").status_code == 403
    assert client.get("/admin/").status_code == (302 if role == "administrator" else 403)
    assert client.get(f"/admin/queues/{sales.pk}/").status_code == 403
    assert client.get("/admin/queues/99999/").status_code == 403
