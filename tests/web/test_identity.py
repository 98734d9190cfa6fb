"""The pages of brands, addresses and signatures: what they save, refuse and show."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from postvak.models import Address, Agent, Blob, Brand, Channel, Look, Message, Queue, Wording
from tests.notify.desk import Desk, sign

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"a logo"
LOOK = {"logo_width": "160", "width": "640", "accent": "#0a5c5a", "background": "#ffffff", "font": "system"}


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def desk(support: Queue, channel: Channel) -> Desk:
    return Desk.opened(support)


def facts(**changes: object) -> dict[str, object]:
    """What the page of a brand posts; a name ends the usual value when it is null."""
    given = {"name": "Example", "language": "en", "name_mode": "address", **LOOK, **changes}
    return {name: value for name, value in given.items() if value is not None}


def save(eva: Client, brand: Brand, **changes: object) -> HttpResponse:
    return eva.post(f"/admin/brands/{brand.pk}/", facts(**changes))


def texts(owner: Brand | Address | Agent) -> set[tuple[str, str, str, str]]:
    return set(owner.wordings.values_list("part", "language", "text", "html"))


# -- wordings ------------------------------------------------------------------------


def test_a_text_typed_without_javascript_is_kept_as_it_is(eva: Client, brand: Brand) -> None:
    save(eva, brand, **{"signature-all-text": "Regards\r\n{{ agent.name }}", "footer-all-text": " "})
    assert texts(brand) == {("signature", "", "Regards\n{{ agent.name }}", "")}


def test_formatted_text_is_sanitised(eva: Client, brand: Brand) -> None:
    html = '<p onclick="x()">Regards<br><b>Bob</b><script>alert(1)</script><img src="https://x.example/y"></p>'
    save(eva, brand, **{"signature-all-text": "Regards", "signature-all-html": html})
    assert texts(brand) == {("signature", "", "", "<p>Regards<br><b>Bob</b></p>")}


def test_a_language_is_added_changed_and_emptied_again(eva: Client, brand: Brand) -> None:
    save(eva, brand, **{"salutation-all-text": "Dear", "salutation-new-language": "nl", "salutation-new-text": "Beste"})
    assert texts(brand) == {("salutation", "", "Dear", ""), ("salutation", "nl", "Beste", "")}
    assert "Beste" in eva.get(f"/admin/brands/{brand.pk}/").text
    save(eva, brand, **{"salutation-all-text": "", "salutation-nl-text": "Hoi"})
    assert texts(brand) == {("salutation", "nl", "Hoi", "")}


def test_formatting_survives_a_save_without_javascript(eva: Client, brand: Brand) -> None:
    sign(brand, "", html="<p>Regards<br><b>Bob</b></p>")
    save(eva, brand, **{"signature-all-text": "Regards\nBob"})
    assert texts(brand) == {("signature", "", "", "<p>Regards<br><b>Bob</b></p>")}
    save(eva, brand, **{"signature-all-text": "Regards\nCas"})
    assert texts(brand) == {("signature", "", "Regards\nCas", "")}


def test_what_the_form_does_not_send_stays(eva: Client, brand: Brand) -> None:
    sign(brand, "Groeten", language="nl")
    save(eva, brand)
    assert texts(brand) == {("signature", "nl", "Groeten", "")}


def test_an_unknown_placeholder_is_refused_at_its_field_and_nothing_is_saved(eva: Client, brand: Brand) -> None:
    answer = save(eva, brand, **{"name": "Changed", "signature-all-text": "{{ agent.salary }}"})
    assert answer.status_code == 422
    assert "Nothing fills {{ agent.salary }}." in answer.text
    assert "{{ customer.first_name }}" in answer.text
    assert 'aria-describedby="signature-all-error"' in answer.text
    assert not Wording.objects.exists()
    assert Brand.objects.get().name != "Changed"


@pytest.mark.parametrize("language", ["", "nl", "xx"])
def test_a_language_has_one_text_and_has_to_be_chosen(eva: Client, brand: Brand, language: str) -> None:
    sign(brand, "Groeten", language="nl")
    new = {"signature-new-language": language, "signature-new-text": "Second"}
    answer = save(eva, brand, **new)
    assert answer.status_code == 422
    assert "Choose a language that has no text yet." in answer.text
    assert "Second" in answer.text
    assert texts(brand) == {("signature", "nl", "Groeten", "")}


def test_an_address_has_a_name_mode_and_a_signature(eva: Client, support: Queue) -> None:
    address = support.address
    assert address is not None
    posted = {
        "email": address.email,
        "queue": support.pk,
        "is_valid": "on",
        "name_mode": "agent",
        "signature-all-text": "Support",
    }
    assert eva.post(f"/admin/addresses/{address.pk}/", posted).status_code == 302
    assert Address.objects.get().name_mode == "agent"
    assert texts(address) == {("signature", "", "Support", "")}


def test_each_agent_has_his_own_signature(client: Client, bob: Agent, cas: Agent) -> None:
    client.force_login(bob)
    posted = {"theme": "system", "undo_seconds": "10", "signature-all-text": "Bob", "signature-new-language": "de"}
    assert client.post("/preferences/", posted | {"signature-new-text": "Grüße, Bob"}).status_code == 302
    assert texts(bob) == {("signature", "", "Bob", ""), ("signature", "de", "Grüße, Bob", "")}
    assert not texts(cas)


def test_a_wrong_signature_is_told_in_the_preferences(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    answer = client.post("/preferences/", {"theme": "system", "undo_seconds": "10", "signature-all-text": "{{ x }}"})
    assert answer.status_code == 422
    assert "Nothing fills {{ x }}." in answer.text


# -- looks -------------------------------------------------------------------------------


def upload(content: bytes = PNG, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/png")


def test_a_look_is_made_changed_and_taken_away_with_its_logo(eva: Client, brand: Brand) -> None:
    save(eva, brand)
    assert not Look.objects.exists()
    save(eva, brand, is_on="on", upload=upload(), accent="#123456", quotes_history="on")
    look = Look.objects.get()
    assert (look.accent, look.logo_type, look.quotes_history, look.reply_line) == ("#123456", "image/png", True, False)
    first = look.logo_id
    assert eva.get(f"/admin/brands/{brand.pk}/logo/").content == PNG
    save(eva, brand, is_on="on", upload=upload(PNG + b"2"))
    assert Blob.objects.get(pk=first).condemned_at is not None
    second = Look.objects.get().logo_id
    save(eva, brand, is_on="on")
    assert Look.objects.get().logo_id == second
    save(eva, brand, is_on="on", drops_logo="on")
    assert Look.objects.get().logo is None
    assert eva.get(f"/admin/brands/{brand.pk}/logo/").status_code == 404
    save(eva, brand, is_on="on", upload=upload(PNG + b"2"))
    assert Blob.objects.get(pk=second).condemned_at is None
    save(eva, brand)
    assert not Look.objects.exists()
    assert Blob.objects.get(pk=second).condemned_at is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This is no PNG, JPEG or GIF picture."),
        (b"MZ\x90", "This is no PNG, JPEG or GIF picture."),
        (PNG + b"x" * 500_000, "At most"),
    ],
)
def test_a_logo_is_a_small_picture_whatever_its_name_says(
    eva: Client, brand: Brand, content: bytes, words: str
) -> None:
    answer = save(eva, brand, is_on="on", upload=upload(content))
    assert answer.status_code == 422
    assert words in answer.text
    assert not Look.objects.exists()


def test_links_that_are_hard_to_read_are_told(eva: Client, brand: Brand) -> None:
    warning = "Links in this colour are hard to read on this background: the contrast is 1.1"
    save(eva, brand, is_on="on", accent="#f0f0f0")
    assert warning in eva.get(f"/admin/brands/{brand.pk}/").text
    save(eva, brand, is_on="on")
    assert "hard to read" not in eva.get(f"/admin/brands/{brand.pk}/").text


@pytest.mark.parametrize("accent", ["red", "#12345", "#12345g", "#123456;}", ""])
def test_a_colour_is_six_digits(eva: Client, brand: Brand, accent: str) -> None:
    assert save(eva, brand, is_on="on", accent=accent).status_code == 422


# -- previews ----------------------------------------------------------------------------


def preview(eva: Client, brand: Brand, **changes: object) -> str:
    answer = eva.post(f"/admin/brands/{brand.pk}/preview/", facts(**changes))
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    return answer.text


def test_a_preview_shows_what_is_typed_and_saves_nothing(eva: Client, brand: Brand) -> None:
    typed = {
        "salutation-all-text": "Dear {{ customer.name }},",
        "signature-all-text": "{{ agent.name }}, {{ brand.name }}",
    }
    shown = preview(eva, brand, **typed, name="Typed Ltd", is_on="on", upload=upload(), accent="#654321")
    assert "Dear Ann Archer," in shown
    assert "Eva Admin, Typed Ltd" in shown
    assert "#654321" in shown
    assert "data:image/png;base64," in shown
    assert not Wording.objects.exists()
    assert not Look.objects.exists()
    assert not Blob.objects.exists()


def test_a_preview_is_light_or_dark_or_the_text_part(eva: Client, brand: Brand) -> None:
    assert "@media not all" in preview(eva, brand, is_on="on")
    assert "@media all" in preview(eva, brand, is_on="on", preview_view="dark")
    text = preview(eva, brand, preview_view="text", **{"signature-all-text": "Example"})
    assert "-- \nExample" in text
    assert "&gt; " in text


def test_a_preview_takes_a_real_ticket_and_says_when_there_is_none(eva: Client, brand: Brand, desk: Desk) -> None:
    shown = preview(eva, brand, preview_ticket=desk.ticket.number, **{"signature-all-text": "No. {{ ticket.number }}"})
    assert f"No. {desk.ticket.number}" in shown
    assert "Hello, my lamp flickers." in shown
    assert "There is no ticket 999." in preview(eva, brand, preview_ticket="999")
    assert "There is no ticket 999." in preview(eva, brand, preview_ticket="999", is_on="on")


def test_a_preview_can_be_seen_in_each_language(eva: Client, brand: Brand) -> None:
    typed = {"signature-all-text": "Regards", "signature-new-language": "nl", "signature-new-text": "Groeten"}
    assert "Groeten" in preview(eva, brand, preview_language="nl", **typed)
    assert "schreef Ann Archer" in preview(eva, brand, preview_language="nl", **typed)
    assert "Regards" in preview(eva, brand, preview_language="pl", **typed)


def test_a_preview_of_a_new_brand_and_of_nonsense_works(eva: Client) -> None:
    assert eva.post("/admin/brands/preview/", facts(**{"footer-all-text": "London"})).text.count("London") == 1
    odd = {"width": "x", "accent": "x", "is_on": "on", "preview_view": "x", "preview_language": "x"}
    assert eva.post("/admin/brands/preview/", odd).status_code == 200


def test_an_agents_preview_shows_his_signature_in_the_look_of_his_brand(
    client: Client, bob: Agent, brand: Brand, channel: Channel
) -> None:
    Look.objects.create(brand=brand, accent="#654321")
    sign(brand, "The brand")
    sign(brand, "London", part="footer")
    client.force_login(bob)
    shown = client.post("/preferences/preview/", {"signature-all-text": "Bob, typed"}).text
    assert "Bob, typed" in shown
    assert "London" in shown
    assert "The brand" not in shown
    assert "#654321" in shown


def test_an_agent_cannot_preview_a_ticket_of_another_queue(client: Client, cas: Agent, desk: Desk) -> None:
    Message.objects.update(text="only for support")
    client.force_login(cas)
    shown = client.post("/preferences/preview/", {"preview_ticket": desk.ticket.number}).text
    assert "only for support" not in shown
    assert "There is no ticket" in shown


def test_an_address_preview_has_its_signature_before_the_brands(eva: Client, support: Queue) -> None:
    sign(support.brand, "The brand")
    posted = {"email": "support@example.org", "queue": support.pk, "signature-all-text": "The address"}
    shown = eva.post(f"/admin/addresses/{support.address_id}/preview/", posted).text
    assert "The address" in shown
    assert "The brand" not in shown
    assert eva.post("/admin/addresses/preview/", {}).status_code == 200
