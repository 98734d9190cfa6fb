"""Communication → Classification: options, state, learning anew, score cards, versions, the language model; and what the audit has of it."""

import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from postvak.learn.training import enqueue_training
from postvak.models import (
    Agent,
    AuditEntry,
    Brand,
    Classifier,
    ClassifierModel,
    Job,
    LanguageModel,
    Prediction,
    Queue,
    Ticket,
)
from postvak.models.status import Status
from tests.web.classified import classifier, version
from tests.web.filled_form import filled

pytestmark = pytest.mark.django_db
HOME = "/admin/classification/"
SERVICE = f"{HOME}language-model/"


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


def page(eva: Client, path: str, *, status: int = 200, **values: Any) -> str:
    answer = eva.post(path, values) if values else eva.get(path)
    assert answer.status_code == status, answer.text[:2000]
    return " ".join(html.unescape(answer.text).split())


def last() -> AuditEntry:
    return AuditEntry.objects.latest("pk")


# -- options ---------------------------------------------------------------------------------


def test_the_mode_is_four_plain_choices_and_the_change_can_be_taken_back(eva: Client) -> None:
    row = classifier()
    text = page(eva, f"{HOME}{row.pk}/")
    assert "Nobody sees it; the score card shows how often it would have been right." in text
    fields = filled(eva.get(f"{HOME}{row.pk}/").text)
    assert fields["mode"] == ["off"]
    assert eva.post(f"{HOME}{row.pk}/", {"mode": "act", "wished": "97", "fewest": "50"}).status_code == 302
    row.refresh_from_db()
    assert (row.mode, row.wished, row.fewest) == ("act", 97, 50)
    entry = last()
    assert (entry.kind, entry.changes["mode"]) == ("classifier", ["off", "act"])
    assert eva.post(f"/admin/changes/{entry.pk}/taking-back/").status_code == 302
    row.refresh_from_db()
    assert (row.mode, row.wished) == ("off", 95)
    assert f"/admin/history/classifier/{row.pk}/" in page(eva, f"{HOME}{row.pk}/")


def test_nonsense_is_refused_beside_its_field(eva: Client) -> None:
    row = classifier()
    text = page(eva, f"{HOME}{row.pk}/", status=422, mode="act", wished="100", fewest="2")
    assert text.count("data-bad") == 2
    row.refresh_from_db()
    assert row.mode == "off"


def test_of_spam_there_is_nothing_to_wish_for(eva: Client) -> None:
    row = classifier("spam")
    assert 'name="wished"' not in page(eva, f"{HOME}{row.pk}/")
    assert eva.post(f"{HOME}{row.pk}/", {"mode": "act", "fewest": "30"}).status_code == 302
    assert Classifier.objects.get(target="spam").wished == 95


# -- state -----------------------------------------------------------------------------------


def test_the_state_is_a_sentence(eva: Client, support: Queue, sales: Queue) -> None:
    version(classifier(), {str(support.pk): 4000, str(sales.pk): 210})
    text = page(eva, HOME)
    assert "Learned from 4,210 tickets. It knows 2 queues." in text
    assert "It can move 62 % of new tickets by itself, and is right with 96 of 100 of them." in text
    assert text.count("It has learned nothing yet.") == 2


def test_one_queue_is_one_queue(eva: Client, support: Queue) -> None:
    version(classifier(), {str(support.pk): 1})
    assert "Learned from 1 ticket. It knows 1 queue." in page(eva, HOME)


def test_learning_that_was_interrupted_says_that_it_began_anew(eva: Client) -> None:
    job = enqueue_training(classifier(), by=None)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, attempts=1)
    assert "began anew" not in page(eva, f"/admin/jobs/{job.pk}/")
    Job.objects.filter(pk=job.pk).update(attempts=2)
    assert "It was interrupted and began anew." in page(eva, f"/admin/jobs/{job.pk}/")


def test_what_is_in_its_way_is_said(eva: Client, support: Queue, sales: Queue) -> None:
    row = classifier(mode="act", fewest=30, is_stale=True)
    version(row, {str(support.pk): 4000, str(sales.pk): 21}, score={"judged": 40, "coverage": 0, "precision": 0})
    text = page(eva, f"{HOME}{row.pk}/")
    assert "It isn’t sure enough yet to do anything by itself; its first guess is right with 83 of 100." in text
    assert "Fewer than 100 tickets were measured" in text
    assert "Of 1 possibility it has learned fewer than 30 tickets" in text
    assert "deleted since" in text


def test_a_version_that_cant_be_read_is_an_alarm(eva: Client, support: Queue) -> None:
    row = classifier(mode="act")
    ClassifierModel.objects.filter(pk=version(row, {str(support.pk): 9}).pk).update(said="This model is damaged.")
    assert "It can’t be used at the moment: This model is damaged." in page(eva, HOME)


def test_it_learns_anew_by_a_job_whose_progress_the_page_shows(eva: Client, admin: Agent) -> None:
    row = classifier()
    path = f"{HOME}{row.pk}/training/"
    assert eva.post(path).status_code == 302
    job = Job.objects.get(kind="train")
    assert (job.parameters["target"], job.created_by) == ("queue", admin)
    assert last().kind == "job"
    assert "It begins to learn in a moment." in page(eva, f"{HOME}{row.pk}/")
    Job.objects.filter(pk=job.pk).update(state="running", total=400, done=100)
    text = page(eva, HOME)
    assert "It learns: 100 of 400 tickets." in text
    assert f'hx-get="{HOME}" hx-trigger="look" data-look="3"' in text
    eva.post(path)
    assert Job.objects.filter(kind="train").count() == 1


# -- score card ------------------------------------------------------------------------------


def tickets(queue: Queue, count: int) -> list[Ticket]:
    status, now = Status.objects.get(key="closed"), timezone.now()
    return Ticket.objects.bulk_create(
        Ticket(number=f"7{queue.pk:04}{n:06}", queue=queue, status=status, created_at=now, changed_at=now)
        for n in range(count)
    )


def decided(queue: Queue, said: Queue, count: int, **values: Any) -> None:
    now = timezone.now()
    given: dict[str, Any] = {"probability": 0.9, "would_act": True, "made_at": now, "decided_at": now} | values
    Prediction.objects.bulk_create(
        Prediction(ticket=ticket, target="queue", label=str(said.pk), wanted=str(queue.pk), **given)
        for ticket in tickets(queue, count)
    )


def score(eva: Client, row: Classifier, query: str = "") -> str:
    return page(eva, f"{HOME}{row.pk}/score/{query}")


def test_without_a_measured_ticket_the_score_card_says_what_to_do(eva: Client) -> None:
    for target in ("queue", "priority", "spam"):
        assert "Nothing was measured yet" in score(eva, classifier(target))


def test_the_score_card_has_figures_plots_and_their_tables(
    eva: Client, support: Queue, sales: Queue, no_automatic_mail: None
) -> None:
    row = classifier()
    version(row, {str(support.pk): 90, str(sales.pk): 30})
    decided(support, support, 90)
    decided(sales, support, 20)
    decided(Queue.objects.create(name="A::B", brand=support.brand), sales, 10, would_act=False, probability=0.4)
    text = score(eva, row)
    assert "<b>120</b>" in text
    assert "<b>75 %</b>" in text
    assert "A › B" in text
    assert text.count('<svg class="chart"') == 3
    assert text.count("The figures as a table") == 3
    assert 'title="Sales, taken for Support: 20"' in text
    assert "Always the largest one" in text
    assert "The language model" not in text


def test_the_table_of_the_score_card_is_sorted_and_searched(eva: Client, support: Queue, sales: Queue) -> None:
    row = classifier()
    decided(support, support, 30)
    decided(sales, sales, 60)
    usual, by_name = score(eva, row), score(eva, row, "?sort=name")
    assert usual.index('<span class="break">Sales') < usual.index('<span class="break">Support')
    assert score(eva, row, "?sort=-name").index('<span class="break">Support') < by_name.index(
        '<span class="break">Support'
    )


def test_fifty_queues_with_long_names_cost_no_more_queries(
    eva: Client, support: Queue, django_assert_max_num_queries: Any
) -> None:
    row = classifier()
    for place in range(50):
        name = f"Donaudampfschifffahrtsgesellschaft::Abteilung für Reklamationen und Rückgaben {place:02}"
        decided(Queue.objects.create(name=name, brand=support.brand), support, 2)
    with django_assert_max_num_queries(40):
        text = score(eva, row)
    assert text.count('<th scope="row"') == 12


def test_the_language_model_is_compared_on_the_same_tickets(eva: Client, support: Queue) -> None:
    decided(support, support, 20)
    Prediction.objects.bulk_create(
        Prediction(ticket=ticket, target="queue", engine="service", label="0", wanted=str(support.pk), probability=0.9,
                   made_at=timezone.now(), decided_at=timezone.now())
        for ticket in Ticket.objects.filter(queue=support)[:5]
    )  # fmt: skip
    assert "where the language model was asked, too" in score(eva, classifier())


# -- versions --------------------------------------------------------------------------------


@pytest.fixture
def two(support: Queue, sales: Queue) -> tuple[ClassifierModel, ClassifierModel]:
    """(the active one, an older one that was worse)"""
    row, labels = classifier(), {str(support.pk): 40, str(sales.pk): 40}
    older = version(row, labels, is_active=False, said="It is worse than the active one: 71% < 83% (200)")
    return version(row, labels), older


def test_versions_are_listed_with_why_one_is_not_used(
    eva: Client, two: tuple[ClassifierModel, ClassifierModel]
) -> None:
    text = page(eva, f"{HOME}{two[0].classifier_id}/versions/")
    assert "on the newest 200 tickets it is right with 71 of 100, the other one with 83." in text
    assert text.count("in use</span>") == 1
    assert text.count('data-dialog="use-') == 1


def test_an_older_version_is_activated(eva: Client, two: tuple[ClassifierModel, ClassifierModel]) -> None:
    active, older = two
    assert eva.post(f"/admin/classifier-versions/{older.pk}/activation/").status_code == 302
    assert list(ClassifierModel.objects.filter(is_active=True)) == [older]
    assert last().kind == "classifier"


def test_a_version_goes_out_and_comes_in_again_by_the_names_of_queues(
    eva: Client, two: tuple[ClassifierModel, ClassifierModel]
) -> None:
    answer = eva.get(f"/admin/classifier-versions/{two[0].pk}/model")
    assert 'filename="postvak-queue-2.model"' in answer.headers["Content-Disposition"]
    assert last().action == "exported"
    raw = answer.content
    Queue.objects.filter(name="Sales").update(name="Old")
    Queue.objects.create(name="Sales", brand=Brand.objects.get())
    path = f"{HOME}{two[0].classifier_id}/versions/new/"
    assert eva.post(path, {"file": SimpleUploadedFile("a.model", raw)}).status_code == 302
    made = ClassifierModel.objects.get(version=3)
    assert (made.origin, made.is_active) == ("brought", False)
    assert str(Queue.objects.get(name="Sales").pk) in made.labels


def test_rubbish_is_refused_beside_the_field(eva: Client, two: tuple[ClassifierModel, ClassifierModel]) -> None:
    path = f"{HOME}{two[0].classifier_id}/versions/new/"
    answer = eva.post(path, {"file": SimpleUploadedFile("a.model", b"rubbish")})
    assert answer.status_code == 422
    assert "This is not a model that Postvak has exported." in answer.text
    assert eva.post(path).status_code == 422
    assert ClassifierModel.objects.count() == 2


def test_a_version_is_deleted_but_not_the_one_in_use(eva: Client, two: tuple[ClassifierModel, ClassifierModel]) -> None:
    active, older = two
    for one in two:
        assert eva.post(f"/admin/classifier-versions/{one.pk}/deletion/").status_code == 302
    assert list(ClassifierModel.objects.all()) == [active]
    assert (last().action, last().key) == ("deleted", older.pk)


# -- language model --------------------------------------------------------------------------


GIVEN = {"url": "http://127.0.0.1:9/v1", "model": "llama3.1:8b", "timeout": "5", "mode": "shadow", "wished": "95"}
KEY = "sk-4711-correct-horse"


def test_its_key_is_sealed_never_shown_and_not_in_the_audit(eva: Client) -> None:
    assert eva.post(SERVICE, GIVEN | {"secret": KEY}).status_code == 302
    row = LanguageModel.objects.get()
    assert row.secret == KEY
    assert KEY not in row.key
    assert KEY not in page(eva, SERVICE)
    entry = last()
    assert (entry.kind, entry.changes["key"][1]) == ("languagemodel", "…")
    assert KEY not in str(entry.changes)
    assert row.key not in f"{entry.changes}{entry.earlier}"
    assert eva.post(SERVICE, GIVEN).status_code == 302
    assert LanguageModel.objects.get().secret == KEY
    assert eva.post(SERVICE, GIVEN | {"drops_key": "on"}).status_code == 302
    assert LanguageModel.objects.get().key == ""


def test_a_stored_key_goes_to_no_other_server(eva: Client) -> None:
    eva.post(SERVICE, GIVEN | {"secret": KEY})
    text = page(eva, SERVICE, status=422, **GIVEN | {"url": "https://elsewhere.example/v1"})
    assert "enter the key again" in text
    assert LanguageModel.objects.get().url == GIVEN["url"]
    same = GIVEN | {"url": "http://127.0.0.1:9/v2"}
    assert eva.post(SERVICE, same).status_code == 302


def test_a_new_address_wipes_what_was_said_of_the_old_one(eva: Client) -> None:
    eva.post(SERVICE, GIVEN)
    LanguageModel.objects.update(last_problem="Connection refused", last_problem_at=timezone.now())
    assert "Connection refused" in page(eva, SERVICE)
    eva.post(SERVICE, GIVEN | {"timeout": "9"})
    assert "Connection refused" in page(eva, SERVICE)
    eva.post(SERVICE, GIVEN | {"url": "http://127.0.0.1:9/v2"})
    assert "Connection refused" not in page(eva, SERVICE)


def test_it_is_switched_on_only_with_an_address_and_a_model(eva: Client) -> None:
    assert "Enter the address first." in page(eva, SERVICE, status=422, **GIVEN | {"url": ""})
    assert "Enter the name of the model first." in page(eva, SERVICE, status=422, **GIVEN | {"model": ""})
    assert "neither user nor password" in page(eva, SERVICE, status=422, **GIVEN | {"url": "http://a:b@x.example/"})
    assert not LanguageModel.objects.exists()


def test_a_brand_has_to_allow_it(eva: Client) -> None:
    eva.post(SERVICE, GIVEN)
    assert "No brand allows it yet" in page(eva, SERVICE)
    brand = Brand.objects.get()
    fields = filled(eva.get(f"/admin/brands/{brand.pk}/").text)
    assert eva.post(f"/admin/brands/{brand.pk}/", fields | {"asks_language_model": ["on"]}).status_code == 302
    assert last().changes["asks_language_model"] == [False, True]
    assert "No brand allows it yet" not in page(eva, SERVICE)


def test_a_trial_shows_what_is_sent_and_why_nothing_came_back(eva: Client, support: Queue) -> None:
    assert "Save an address and the name of a model first." in page(eva, SERVICE)
    eva.post(SERVICE, GIVEN | {"secret": KEY})
    text = page(eva, f"{SERVICE}trial/", subject="Invoice", text="Where is <b>my</b> invoice?")
    assert "It gave no answer that Postvak understands" in text
    assert "Where is <b>my</b> invoice?" in text
    assert "Support (brand:" in text
    assert KEY not in text
    page(eva, f"{SERVICE}trial/", status=422, subject="", text="")


def test_a_queue_says_whether_it_takes_part(eva: Client, support: Queue) -> None:
    fields = filled(eva.get(f"/admin/queues/{support.pk}/").text)
    assert fields.pop("is_proposed")
    assert eva.post(f"/admin/queues/{support.pk}/", fields).status_code == 302
    support.refresh_from_db()
    assert not support.is_proposed
