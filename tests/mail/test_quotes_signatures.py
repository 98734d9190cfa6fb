"""Signatures and disclaimers; and what looks like one and must stay."""

from __future__ import annotations

import pytest

from postvak.mail.quotes import reply_text, split_reply

TEXT = "Het scherm blijft zwart.\nKunt u helpen?\n"
SIGNATURES = [
    "-- \nAnn Smith\nann@mail.example\n+31 20 555 01 02",
    "--\nAnn",
    "Met vriendelijke groet,\n\nAnn Smit\nBakkerij Smit",
    "Met vriendelijke groeten / Kind regards,\n\nAnn Smit\nBakkerij Smit\nDorpsstraat 1\n1234 AB Ons Dorp\nT 020 555 01 02\nwww.smit.example",
    "Mvg Ann\nBakkerij Smit\n020 555 01 02",
    "Groet,\nAnn van der Berg\n06 5555 0102",
    "Mit freundlichen Grüßen\n\ni. A. Ann Schmidt\nSachbearbeiterin\n\nSchmidt GmbH\nTel. 030 555 01 02",
    "Viele Grüße\nAnn\n\nBäckerei Schmidt\nBerlin",
    "Kind regards\n\nAnn Smith\nHead of Baking | Smith Ltd\nann@mail.example",
    "Cordialement,\nAnn Dupont\nBoulangerie Dupont",
    "Saludos cordiales,\nAna\nPanadería Ana",
    "Cordiali saluti\nAnna\nTel. 06 555 01 02",
    "Pozdrawiam\nAnna Kowalska\nPiekarnia",
    "Med vänliga hälsningar\nAnn\nBageriet",
    "Sent from my iPhone",
    "Sent from my Galaxy S24 Ultra",
    "Verstuurd vanaf mijn iPhone",
    "Verzonden vanuit Outlook voor Android<https://aka.example/x>",
    "Von meinem iPhone gesendet",
    "Gesendet mit der WEB.DE Mail App",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Enviado do meu iPhone",
    "Wysłane z iPhone'a",
    "Skickat från min iPhone",
    "Отправлено с iPhone",
    "iPhoneから送信",
    "发自我的iPhone",
    "Get Outlook for iOS<https://aka.example/y>",
    "Groet,\nAnn\nBakkerij Smit\n\nVerstuurd vanaf mijn iPad",
    "- Ann",
    "_______________________________________________\nBakers mailing list\nhttps://lists.example/mailman/listinfo/bakers",
]
DISCLAIMERS = [
    "This e-mail and any attachments are confidential and intended solely for the addressee. If you have received this message in error, please delete it and notify the sender.",
    "De informatie in dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Indien u dit bericht ten onrechte ontvangt, verzoeken wij u het te vernietigen.",
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind oder diese E-Mail irrtümlich erhalten haben, informieren Sie bitte den Absender.",
    "Please consider the environment before printing this e-mail.",
    "Denk aan het milieu voordat u deze e-mail print.",
    "Ce message est confidentiel et destiné à l'usage exclusif de son destinataire. Si vous l'avez reçu par erreur, merci de le détruire.",
]  # fmt: skip
STAYS = [
    "Please send it to my office.\nRegards to your colleague for the quick help, it was great!",
    "Sent from my desk, where nothing works since Monday.",
    "Groeten uit Rome! De router doet het hier ook niet, wat nu?",
    "Met vriendelijke groet,\nAnn\n\nPS: kunt u mij ook bellen over de factuur van vorige maand?",
    "Kind regards,\nAnn\n\nOne more thing: the second printer in the hall has been broken for weeks now.",
    "Best regards is what I wrote but the mail never arrived.",
    "The list:\n- Paper\n- Toner",
    "Steps:\n---\n1. open the lid and look for the small red lamp on the left\n2. then it stops and nothing moves",
    "It says:\n\nThe information is confidential",
    "Is this confidential?",
    "Thanks,\nAnn",
    "Met vriendelijke groet,\n\nAnn Smit",
    "Mvg Ann",
    "Viele Grüße\nAnn",
    "Best regards,\nAnn",
    "LG washing machine does not start",
    "BR 1234 is the number of the order",
]


def _new(text: str) -> str:
    return "".join(segment.text for segment in split_reply(text) if segment.kind == "new").strip()


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize(
    "below", ["", "\nOp 20-11-2026 om 17:00 schreef Bob:\n> Dag Ann\n", "\n-----Original Message-----\nFrom: Bob\n"]
)
def test_a_signature_is_told_from_the_text_above_it(signature: str, below: str) -> None:
    text = f"{TEXT}\n{signature}\n{below}"
    assert _new(text) == TEXT.strip()
    assert split_reply(text)[1].kind == "signature"


@pytest.mark.parametrize("disclaimer", DISCLAIMERS)
def test_a_disclaimer_is_told_from_the_text_and_the_signature(disclaimer: str) -> None:
    assert [segment.kind for segment in split_reply(f"{TEXT}\n{disclaimer}\n")] == ["new", "disclaimer"]
    both = split_reply(f"{TEXT}\n-- \nAnn\n\n{disclaimer}\n")
    assert [segment.kind for segment in both] == ["new", "signature", "disclaimer"]
    closed = split_reply(f"{TEXT}\nGroet,\nAnn\nBakkerij Smit\n\n{disclaimer}\n")
    assert [segment.kind for segment in closed] == ["new", "signature", "disclaimer"]


@pytest.mark.parametrize(
    "banner",
    [
        "CAUTION: This email originated from outside of the organisation. Do not click links.",
        "[EXTERNAL EMAIL]",
        "Let op: deze e-mail komt van buiten de organisatie.",
        "Achtung: Diese E-Mail kommt von außerhalb der Organisation.",
    ],
)
def test_a_warning_about_mail_from_outside_is_a_disclaimer(banner: str) -> None:
    segments = split_reply(f"{banner}\n\n{TEXT}")
    assert [segment.kind for segment in segments] == ["disclaimer", "new"]


@pytest.mark.parametrize("text", STAYS)
def test_what_the_writer_says_is_never_taken_for_a_signature(text: str) -> None:
    assert _new(f"{TEXT}\n{text}") == f"{TEXT}\n{text}"


def test_a_text_with_a_salutation_below_a_signature_is_new() -> None:
    kinds = [segment.kind for segment in split_reply("One.\n\n-- \nAnn\n\nHello,\n\nthis is another part.\n")]
    assert kinds == ["new", "signature", "new"]


def test_the_reply_is_without_signature_and_disclaimer() -> None:
    text = f"{TEXT}\nGroet,\nAnn\nBakkerij Smit\n\n{DISCLAIMERS[1]}\n\nOp 20-11-2026 om 17:00 schreef Bob:\n> Dag\n"
    assert reply_text(text, "") == TEXT.strip()
