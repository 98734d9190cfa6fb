"""Who uses what, and that nothing becomes invalid that is needed: the same on pages, in the API and in the file."""

from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from postvak.log.audit import By
from postvak.models import Address, Agent, AnswerTemplate, Channel, Filter, Mailbox, Queue, Rule, Status
from postvak.setup.fields import SettingError
from postvak.setup.file import apply
from postvak.setup.one import change
from postvak.setup.sections import by_name
from postvak.tickets.used_by import obstacle_to_invalid, uses_of

pytestmark = pytest.mark.django_db


def filter_that(**action: str) -> Filter:
    now = timezone.now()
    return Filter.objects.create(name="Sort", actions=[{"on": "", **action}], created_at=now, changed_at=now)


def test_a_queue_is_needed_by_valid_addresses_mailboxes_and_filters_that_lead_into_it(
    support: Queue, mailbox: Mailbox
) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(queue=support)
    sort = filter_that(set="queue", value="support")
    needed = [(use.kind, use.key) for use in uses_of(support) if use.needs]
    assert needed == [("address", support.address_id), ("mailbox", mailbox.pk), ("filter", sort.pk)]
    Address.objects.update(is_valid=False)
    Mailbox.objects.update(validity=Mailbox.Validity.INVALID)
    Filter.objects.update(is_valid=False)
    assert obstacle_to_invalid(support) == ""
    assert len(uses_of(support)) == 3


def test_an_address_is_needed_by_who_sends_from_it_and_by_rules_and_filters_that_name_it(support: Queue) -> None:
    address = support.address
    assert "the queue “Support” sends from it" in obstacle_to_invalid(address)
    Queue.objects.update(address=None)
    assert obstacle_to_invalid(address) == ""
    rule = Rule.objects.create(
        name="Tell", trigger="new_ticket", is_on=True, recipients=["address:Support@example.org"], conditions=[]
    )
    assert "“Tell” names it" in obstacle_to_invalid(address)
    Rule.objects.filter(pk=rule.pk).update(is_on=False)
    filter_that(set="forward", value="support@example.org")
    assert "“Sort” names it" in obstacle_to_invalid(address)


def test_a_channel_is_needed_by_what_sends_by_it_and_a_status_by_what_sets_it(support: Queue, channel: Channel) -> None:
    Address.objects.update(channel=channel)
    assert "support@example.org sends by it" in obstacle_to_invalid(channel)
    own = Status.objects.create(key="own", name="Own", type="open")
    assert obstacle_to_invalid(own) == ""
    AnswerTemplate.objects.create(name="Bye", status=own)
    assert "“Bye”" in obstacle_to_invalid(own)


def test_the_page_refuses_it_beside_the_field_and_links_to_who_uses_it(
    client: Client, admin: Agent, support: Queue
) -> None:
    client.force_login(admin)
    url = f"/admin/queues/{support.pk}/"
    facts = {"name": "Support", "colour": "sea", "brand": support.brand_id, "address": support.address_id}
    answer = client.post(url, facts)
    assert answer.status_code == 422
    assert 'id="id_is_valid_error"' in answer.text
    assert (
        f'<a href="/admin/addresses/{support.address_id}/">Mails to support@example.org land in it</a>' in answer.text
    )
    Address.objects.update(is_valid=False)
    assert client.post(url, facts).status_code == 302
    support.refresh_from_db()
    assert not support.is_valid


def test_the_page_of_what_is_invalid_already_can_be_saved(client: Client, admin: Agent, support: Queue) -> None:
    client.force_login(admin)
    Queue.objects.filter(pk=support.pk).update(is_valid=False)
    facts = {"name": "Support 2", "colour": "sea", "brand": support.brand_id, "address": support.address_id}
    assert client.post(f"/admin/queues/{support.pk}/", facts).status_code == 302


def test_the_api_refuses_it_too(support: Queue) -> None:
    with pytest.raises(SettingError) as refused:
        change(by_name()["address"], "support@example.org", {"valid": False}, By(), is_whole=False)
    assert refused.value.field == "valid"
    assert "sends from it" in str(refused.value)
    assert Address.objects.get(email="support@example.org").is_valid


def test_the_file_is_judged_when_all_of_it_is_applied(support: Queue, tmp_path: Path) -> None:
    both = '[[queue]]\nname = "Support"\nvalid = false\n\n[[address]]\nemail = "support@example.org"\nvalid = {}\n'
    with pytest.raises(SettingError, match="line 3: .*mails to support@example.org land in it"):
        apply(both.format("true"), base=tmp_path)
    Queue.objects.update(address=None)
    apply(both.format("false"), base=tmp_path)
    assert not Queue.objects.get(name="Support").is_valid
