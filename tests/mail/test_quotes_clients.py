"""The plain texts that mail programs make of an answer: what stands above the original, per client and language."""

from __future__ import annotations

import pytest

from postvak.mail.quotes import forwarded_from, has_forward, split_reply

ANSWER = "It works again.\nThank you!"
QUOTED = "> Does it work?\n> Bob"
PLAIN = "Does it work?\n\nBob"

# Above a quotation with ">": client, language, introduction.
INTRODUCTIONS = [
    ("Gmail", "en", "On Fri, Nov 20, 2026 at 5:00 PM Help Desk <help@desk.example> wrote:"),
    ("Gmail", "nl", "Op vr 20 nov 2026 om 17:00 schreef Help Desk <help@desk.example>:"),
    ("Gmail", "de", "Am Fr., 20. Nov. 2026 um 17:00 Uhr schrieb Help Desk <help@desk.example>:"),
    ("Gmail, wrapped", "en", "On Fri, Nov 20, 2026 at 5:00 PM The Help Desk of Cas and Company <\nhelp@desk.example> wrote:"),
    ("Gmail, wrapped", "nl", "Op vr 20 nov 2026 om 17:00 schreef De servicedesk van Cas en zonen <\nhelp@desk.example>:"),
    ("Gmail, wrapped", "de", "Am Fr., 20. Nov. 2026 um 17:00 Uhr schrieb Die Servicestelle <\nhelp@desk.example>:"),
    ("Gmail, in three lines", "en", "On Fri, Nov 20, 2026, at 5:00 PM, Help Desk\n<help@desk.example>\nwrote:"),
    ("Gmail, old", "en", "2026/11/20 Help Desk <help@desk.example>"),
    ("Apple Mail", "en", "On 20 Nov 2026, at 17:00, Help Desk <help@desk.example> wrote:"),
    ("Apple Mail", "nl", "Op 20 nov. 2026, om 17:00 heeft Help Desk <help@desk.example> het volgende geschreven:"),
    ("Apple Mail", "de", "Am 20.11.2026 um 17:00 schrieb Help Desk <help@desk.example>:"),
    ("Apple Mail, no address", "en", "On Nov 20, 2026, at 5:00 PM, Help Desk wrote:"),
    ("Thunderbird", "en", "On 20/11/2026 17:00, Help Desk wrote:"),
    ("Thunderbird", "nl", "Op 20-11-2026 om 17:00 schreef Help Desk:"),
    ("Thunderbird", "de", "Am 20.11.26 um 17:00 schrieb Help Desk:"),
    ("Roundcube", "en", "On 2026-11-20 17:00, Help Desk wrote:"),
    ("Roundcube", "nl", "Help Desk schreef op 2026-11-20 17:00:"),
    ("Roundcube", "de", "Am 2026-11-20 17:00, schrieb Help Desk:"),
    ("Horde", "en", "Quoting Help Desk <help@desk.example>:"),
    ("Horde", "de", "Zitat von Help Desk <help@desk.example>:"),
    ("K-9", "en", 'Help Desk <help@desk.example> wrote:'),
    ("Gmail", "fr", "Le ven. 20 nov. 2026 à 17:00, Help Desk <help@desk.example> a écrit :"),
    ("Gmail", "es", "El vie, 20 nov 2026 a las 17:00, Help Desk (<help@desk.example>) escribió:"),
    ("Gmail", "it", "Il giorno ven 20 nov 2026 alle ore 17:00 Help Desk <help@desk.example> ha scritto:"),
    ("Gmail", "pt", "Em sex., 20 de nov. de 2026 às 17:00, Help Desk <help@desk.example> escreveu:"),
    ("Gmail", "pl", "pt., 20 lis 2026 o 17:00 Help Desk <help@desk.example> napisał(a):"),
    ("Thunderbird", "pl", "W dniu 20.11.2026 o 17:00, Help Desk pisze:"),
    ("Gmail", "da", "Den fre. 20. nov. 2026 kl. 17.00 skrev Help Desk <help@desk.example>:"),
    ("Gmail", "sv", "Den fre 20 nov. 2026 kl 17:00 skrev Help Desk <help@desk.example>:"),
    ("Gmail", "no", "fre. 20. nov. 2026 kl. 17:00 skrev Help Desk <help@desk.example\n>:"),
    ("Gmail", "fi", "pe 20. marrask. 2026 klo 17.00 Help Desk (help@desk.example) kirjoitti:"),
    ("Gmail", "cs", "pá 20. 11. 2026 v 17:00 odesílatel Help Desk <help@desk.example> napsal:"),
    ("Gmail", "hu", "Help Desk <help@desk.example> ezt írta (időpont: 2026. nov. 20., P, 17:00):"),
    ("Gmail", "tr", "Help Desk <help@desk.example>, 20 Kas 2026 Cum, 17:00 tarihinde şunu yazdı:"),
    ("Gmail", "ru", "пт, 20 нояб. 2026 г. в 17:00, Help Desk <help@desk.example>:"),
    ("Thunderbird", "ru", "20.11.2026 17:00, Help Desk пишет:"),
    ("Gmail", "ja", "2026年11月20日(金) 17:00 Help Desk <help@desk.example>:"),
    ("Gmail", "zh", "Help Desk <help@desk.example> 于2026年11月20日周五 17:00写道:"),  # noqa: RUF001
    ("Gmail", "vi", "Vào 17:00, Th 6, 20 thg 11, 2026 Help Desk <help@desk.example> đã viết:"),
]  # fmt: skip
# Above an original message without ">": it goes on to the end.
SEPARATORS = [
    ("Outlook", "en", "From: Help Desk <help@desk.example>\nSent: Friday, 20 November 2026 17:00\nTo: Ann <ann@mail.example>\nSubject: Printer"),
    ("Outlook", "nl", "Van: Help Desk <help@desk.example>\nVerzonden: vrijdag 20 november 2026 17:00\nAan: Ann <ann@mail.example>\nOnderwerp: Printer"),
    ("Outlook", "de", "Von: Help Desk <help@desk.example>\nGesendet: Freitag, 20. November 2026 17:00\nAn: Ann <ann@mail.example>\nBetreff: Printer"),
    ("Outlook, names only", "en", "From: Help Desk\nSent: Friday, 20 November 2026 17:00\nTo: Ann"),
    ("Outlook, bold", "en", "*From:* Help Desk <help@desk.example>\n*Sent:* Friday, 20 November 2026 17:00\n*To:* Ann\n*Subject:* Printer"),
    ("Outlook, wrapped", "en", "From: The Help Desk of Cas\n<help@desk.example>\nSent: Friday, 20 November 2026 17:00\nTo: Ann;\n Bob <bob@mail.example>\nSubject: Printer"),
    ("Outlook, spaced", "nl", "Van: Help Desk <help@desk.example>\n\nVerzonden: vrijdag 20 november 2026 17:00\n\nAan: Ann\n\nOnderwerp: Printer"),
    ("Outlook on the web", "en", "________________________________\nFrom: Help Desk <help@desk.example>\nSent: Friday, 20 November 2026 17:00\nTo: Ann\nSubject: Printer"),
    ("Outlook on the web", "nl", "________________________________\nVan: Help Desk <help@desk.example>\nVerzonden: vrijdag 20 november 2026 17:00\nAan: Ann\nOnderwerp: Printer"),
    ("Outlook on the web", "de", "________________________________\nVon: Help Desk <help@desk.example>\nGesendet: Freitag, 20. November 2026 17:00\nAn: Ann\nBetreff: Printer"),
    ("Outlook for Mac", "nl", "Van: Help Desk <help@desk.example>\nDatum: vrijdag 20 november 2026 om 17:00\nAan: Ann <ann@mail.example>\nOnderwerp: Printer"),
    ("Outlook, old", "en", "-----Original Message-----\nFrom: Help Desk\nSent: Friday\nTo: Ann"),
    ("Outlook, old", "nl", "-----Oorspronkelijk bericht-----\nVan: Help Desk\nVerzonden: vrijdag\nAan: Ann"),
    ("Outlook, old", "de", "-----Ursprüngliche Nachricht-----\nVon: Help Desk\nGesendet: Freitag\nAn: Ann"),
    ("Samsung", "en", "-------- Original message --------\nFrom: Help Desk <help@desk.example>\nDate: 20/11/2026 17:00 (GMT+01:00)"),
    ("Samsung", "nl", "-------- Oorspronkelijk bericht --------\nVan: Help Desk <help@desk.example>\nDatum: 20-11-2026 17:00 (GMT+01:00)"),
    ("Samsung", "de", "-------- Ursprüngliche Nachricht --------\nVon: Help Desk <help@desk.example>\nDatum: 20.11.26 17:00 (GMT+01:00)"),
    ("GMX", "de", "Gesendet: Freitag, 20. November 2026 um 17:00 Uhr\nVon: \"Help Desk\" <help@desk.example>\nAn: ann@mail.example\nBetreff: Printer"),
    ("Proton", "en", "On Friday, November 20th, 2026 at 17:00, Help Desk <help@desk.example> wrote:"),
    ("Proton", "en", "------- Original Message -------\nOn Friday, November 20th, 2026 at 17:00, Help Desk wrote:"),
    ("Zoho", "en", "---- On Fri, 20 Nov 2026 17:00:00 +0100 help@desk.example wrote ----"),
    ("Sylpheed", "en", "On Fri, 20 Nov 2026 17:00:00 +0100 Help Desk <help@desk.example> wrote"),
    ("Novell", "en", "Date: Fri, 20 Nov 2026 17:00:00 +0100\nTo: ann@mail.example"),
    ("Yahoo", "nl", "Op vrijdag 20 november 2026 17:00:00 CET schreef Help Desk <help@desk.example>:"),
    ("Outlook", "fr", "De : Help Desk <help@desk.example>\nEnvoyé : vendredi 20 novembre 2026 17:00\nÀ : Ann\nObjet : Printer"),
    ("Outlook", "es", "De: Help Desk <help@desk.example>\nEnviado el: viernes, 20 de noviembre de 2026 17:00\nPara: Ann\nAsunto: Printer"),
    ("Outlook", "it", "Da: Help Desk <help@desk.example>\nInviato: venerdì 20 novembre 2026 17:00\nA: Ann\nOggetto: Printer"),
    ("Outlook", "pt", "De: Help Desk <help@desk.example>\nEnviada em: sexta-feira, 20 de novembro de 2026 17:00\nPara: Ann\nAssunto: Printer"),
    ("Outlook", "pl", "Od: Help Desk <help@desk.example>\nWysłano: piątek, 20 listopada 2026 17:00\nDo: Ann\nTemat: Printer"),
    ("Outlook", "sv", "Från: Help Desk <help@desk.example>\nSkickat: den 20 november 2026 17:00\nTill: Ann\nÄmne: Printer"),
    ("Outlook", "ru", "От: Help Desk <help@desk.example>\nОтправлено: 20 ноября 2026 г. 17:00\nКому: Ann\nТема: Printer"),
    ("Outlook", "ja", "差出人: Help Desk <help@desk.example>\n送信日時: 2026年11月20日 17:00\n宛先: Ann\n件名: Printer"),
    ("Outlook", "zh", "发件人: Help Desk <help@desk.example>\n发送时间: 2026年11月20日 17:00\n收件人: Ann\n主题: Printer"),
    ("Outlook in a language of no table", "sw", "________________________________\nKutoka: Help Desk <help@desk.example>\nImetumwa: 20 Novemba 2026 17:00\nKwa: Ann\nMada: Printer"),
    ("helpdesks", "en", "##- Please type your reply above this line -##"),
    ("helpdesks", "nl", "--- Typ uw antwoord boven deze lijn ---"),
]  # fmt: skip


def _new(text: str) -> str:
    return "".join(segment.text for segment in split_reply(text) if segment.kind == "new").strip()


@pytest.mark.parametrize(("client", "language", "introduction"), INTRODUCTIONS)
def test_an_answer_above_a_quotation_is_all_that_is_new(client: str, language: str, introduction: str) -> None:
    assert _new(f"{ANSWER}\n\n{introduction}\n\n{QUOTED}\n") == ANSWER


@pytest.mark.parametrize(("client", "language", "introduction"), INTRODUCTIONS)
def test_an_answer_below_a_quotation_is_all_that_is_new(client: str, language: str, introduction: str) -> None:
    assert _new(f"{introduction}\n{QUOTED}\n\n{ANSWER}\n") == ANSWER


@pytest.mark.parametrize(("client", "language", "introduction"), INTRODUCTIONS)
def test_answers_between_quoted_lines_are_kept(client: str, language: str, introduction: str) -> None:
    text = f"Hi Bob,\n\n{introduction}\n> One?\n\nYes.\n\n> Two?\nNo.\n"
    assert _new(text).split() == ["Hi", "Bob,", "Yes.", "No."]


@pytest.mark.parametrize(("client", "language", "separator"), SEPARATORS)
def test_an_original_message_below_a_separator_is_quoted(client: str, language: str, separator: str) -> None:
    for text in (f"{ANSWER}\n\n{separator}\n\n{PLAIN}\n", f"{ANSWER}\n{separator}\n{PLAIN}\n".replace("\n", "\r\n")):
        assert _new(text).replace("\r\n", "\n") == ANSWER


DATED_WITH_ADDRESS = [row for row in INTRODUCTIONS if "<help@" in row[2] and "20" in row[2]]


@pytest.mark.parametrize(
    ("client", "language", "introduction"), [row for row in DATED_WITH_ADDRESS if row[0] != "Gmail, old"]
)
def test_a_full_introduction_needs_no_quotation_marks(client: str, language: str, introduction: str) -> None:
    assert _new(f"{ANSWER}\n\n{introduction}\n\n{PLAIN}\n") == ANSWER


FORWARDS = [
    ("Gmail", "---------- Forwarded message ---------\nFrom: Ann <ann@mail.example>\nDate: Fri, Nov 20, 2026\nSubject: x\nTo: Bob"),
    ("Gmail, nl", "---------- Forwarded message ---------\nVan: Ann <ann@mail.example>\nDate: vr 20 nov 2026\nSubject: x\nTo: Bob"),
    ("Apple, en", "Begin forwarded message:\n\nFrom: Ann <ann@mail.example>\nSubject: x\nDate: 20 November 2026\nTo: Bob"),
    ("Apple, nl", "Begin doorgestuurd bericht:\n\n> Van: Ann <ann@mail.example>\n> Onderwerp: x\n> Datum: 20 november 2026"),
    ("Apple, de", "Anfang der weitergeleiteten Nachricht:\n\n> Von: Ann <ann@mail.example>\n> Betreff: x\n> Datum: 20. November 2026"),
    ("Thunderbird, en", "-------- Forwarded Message --------\nSubject: x\nDate: Fri, 20 Nov 2026\nFrom: Ann <ann@mail.example>\nTo: Bob"),
    ("Thunderbird, nl", "-------- Doorgestuurd bericht --------\nOnderwerp: x\nDatum: Fri, 20 Nov 2026\nVan: Ann <ann@mail.example>"),
    ("Thunderbird, de", "-------- Weitergeleitete Nachricht --------\nBetreff: x\nDatum: Fri, 20 Nov 2026\nVon: Ann <ann@mail.example>"),
]  # fmt: skip


@pytest.mark.parametrize(("client", "header"), FORWARDS)
@pytest.mark.parametrize("comment", ["", "See below.\n\n", "FYI\n\n-- \nBob\n\n"])
def test_a_forwarded_mail_stays_visible_and_names_its_author(client: str, header: str, comment: str) -> None:
    text = f"{comment}{header}\n\nMy printer is on fire.\n"
    assert "My printer is on fire." in _new(text)
    assert has_forward(text)
    assert forwarded_from(text) == "ann@mail.example"


def test_a_header_block_with_nothing_above_it_is_a_forward() -> None:
    text = "Van: Ann <ann@mail.example>\nVerzonden: vrijdag\nAan: Bob\nOnderwerp: x\n\nMijn printer brandt.\n"
    for mail in (
        text,
        f"-- \nBob\n\n{text}",
        f"Met vriendelijke groet,\nBob\n\nBakkerij Smit\n020 555 01 02\n\n{text}",
    ):
        assert has_forward(mail)
        assert "Mijn printer brandt." in _new(mail)
        assert forwarded_from(mail) == "ann@mail.example"


def test_the_subject_tells_a_forward_of_outlook_from_an_answer() -> None:
    text = "See below.\n\nFrom: Ann <ann@mail.example>\nSent: Friday\nTo: Bob\nSubject: x\n\nHelp!\n"
    assert forwarded_from(text) == ""
    assert forwarded_from(text, subject="Re: x") == ""
    for subject in ("FW: x", "Fwd: x", "WG: x", "Doorst: x"):
        assert forwarded_from(text, subject=subject) == "ann@mail.example"


def test_an_ordinary_mail_is_no_forward() -> None:
    assert not has_forward("Please forward this message to Ann.\n")
    assert forwarded_from("Please forward this message to Ann.\n", subject="Fwd: x") == ""
