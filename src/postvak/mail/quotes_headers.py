"""What stands above an original message: "-----Original Message-----" and blocks of From:/Sent:/To:/Subject:."""

from __future__ import annotations

import re
from collections.abc import Sequence

Label = tuple[str, str]
# language: from | sent | to | subject | copies and the like
LABELS = """
en: from | sent, date, date sent, sent at, sent on | to | subject | cc, bcc, reply-to, importance, attachments
nl: van, afzender | verzonden, verstuurd, datum, verzonden op, verzenddatum | aan | onderwerp | kopie, antwoord aan, urgentie, bijlagen, beantwoorden
de: von, absender | gesendet, datum, gesendet am, verschickt | an, empfänger | betreff | kopie, antwort an, wichtigkeit, anlagen
fr: de, expéditeur | envoyé, date, envoyé le, date d'envoi, message du | à, a, destinataire | objet, sujet | copie à, copie, répondre à, pièces jointes
es: de, remitente | enviado, fecha, enviado el, fecha de envío | para, a | asunto | responder a
it: da, mittente | inviato, data, data invio, inviata | a, per, destinatario | oggetto | rispondi a
pt: de | enviado, enviada, data, enviado em, enviada em, data de envio | para | assunto | responder para
ca: de | enviat, data, enviat el | per a, a | assumpte, tema |
pl: od, nadawca | wysłano, wysłane, data, data wysłania | do, adresat | temat | dw, odpowiedź do
cs: od | odesláno, datum | komu | předmět | kopie
sk: od | odoslané, dátum | komu | predmet | kópia
hu: feladó | elküldve, dátum | címzett | tárgy | másolat
ro: de la | trimis, data | către, la | subiect |
hr: od | poslano, datum | za, prima | predmet, zadeva |
da: fra | sendt, dato, sendt den | til | emne | kopi
sv: från | skickat, datum | till | ämne | kopia
fi: lähettäjä, mistä | lähetetty, päivämäärä, päiväys | vastaanottaja, kenelle | aihe | kopio
et: saatja | saadetud, kuupäev | adressaat | teema |
lt: nuo | išsiųsta, data | kam | tema |
lv: no | nosūtīts, datums | kam | tēma |
tr: kimden, gönderen | gönderilme, gönderildi, tarih, gönderme tarihi | kime, alıcı | konu | bilgi
el: από | στάλθηκε, ημερομηνία, αποστολή | προς | θέμα | κοιν
ru: от, от кого | отправлено, дата, дата отправки | кому | тема | копия
uk: від, від кого | надіслано, дата | кому | тема | копія
bg: от | изпратено, дата | до | относно |
vi: từ, người gửi | đã gửi, ngày, vào lúc | đến, tới | chủ đề, tiêu đề |
id: dari | dikirim, tanggal | kepada, ke | perihal, subjek |
zh: 发件人, 寄件者, 寄件人, 發件人 | 发送时间, 日期, 寄件日期, 傳送時間, 发送日期, 時間, 时间 | 收件人, 收件者 | 主题, 主旨, 主題 | 抄送, 副本
ja: 差出人, 送信者, 送信元 | 送信日時, 日付, 日時, 送信日 | 宛先, 受信者 | 件名 |
ko: 보낸 사람, 보낸사람 | 보낸 날짜, 날짜, 보낸날짜 | 받는 사람, 받는사람 | 제목 | 참조
ar: من | تاريخ الإرسال, التاريخ, تم الإرسال | إلى | الموضوع |
he: מאת | נשלח, תאריך | אל | נושא |
"""
ROLES = ("from", "sent", "to", "subject", "copy")
# Words for a time that forms of other kinds use as well.
_ANY_TIME = "date datum data fecha dato dátum päivämäärä kuupäev datums tarih ημερομηνία дата ngày tanggal 日期 日付 日時 날짜 التاريخ תאריך 時間 时间"
ANY_TIME = frozenset(_ANY_TIME.split())
# language, what stands below: the words, between dashes or (without) before a ":"
SEPARATORS = """
en original: original message, original appointment, original text, original mail, reply message, message from
nl original: oorspronkelijk bericht, oorspronkelijke bericht, origineel bericht, oorspronkelijke afspraak
de original: ursprüngliche nachricht, originalnachricht, original-nachricht, urspr. nachricht, original nachricht, ursprünglicher termin
fr original: message d'origine, message original, message initial, rendez-vous d'origine
es original: mensaje original, cita original
it original: messaggio originale, messaggio originario, appuntamento originale
pt original: mensagem original, compromisso original
pl original: wiadomość oryginalna, oryginalna wiadomość, wiadomość pierwotna, treść oryginalnej wiadomości
cs original: původní zpráva, původní e-mail
hu original: eredeti üzenet, eredeti levél
ro original: mesaj original, mesajul original
da original: oprindelig meddelelse, oprindelig besked, original meddelelse
no original: opprinnelig melding
sv original: originalmeddelande, ursprungligt meddelande, ursprungligt mejl
fi original: alkuperäinen viesti
tr original: orijinal mesaj, özgün ileti, orijinal ileti
ru original: исходное сообщение, исходное письмо, пересылаемое сообщение от
uk original: оригінальне повідомлення, вихідне повідомлення
zh original: 原始邮件, 原邮件信息, 邮件原件, 原始郵件, 原始信件
ja original: 元のメッセージ, オリジナルメッセージ, 元のメール
en forward: forwarded message, begin forwarded message, start of forwarded message, forwarded by, forwarded mail, fwd
nl forward: doorgestuurd bericht, begin doorgestuurd bericht, begin van doorgestuurd bericht, doorgestuurd door
de forward: weitergeleitete nachricht, anfang der weitergeleiteten nachricht, anfang weitergeleitete nachricht, weitergeleitet von
de forward: beginn der weitergeleiteten nachricht
fr forward: message transféré, début du message transféré, début du message réexpédié, message réexpédié, forwarded message
es forward: mensaje reenviado, inicio del mensaje reenviado
it forward: messaggio inoltrato, inizio messaggio inoltrato
pt forward: mensagem reencaminhada, mensagem encaminhada, início da mensagem encaminhada, início da mensagem reencaminhada
pl forward: wiadomość przekazana, przekazana wiadomość, początek przekazywanej wiadomości
cs forward: přeposlaná zpráva, začátek přeposílané zprávy
hu forward: továbbított üzenet, továbbított levél
ro forward: mesaj redirecționat
da forward: videresendt meddelelse, videresendt besked, start på videresendt besked
no forward: videresendt melding, videresendt e-post, start på videresendt melding
sv forward: vidarebefordrat meddelande, vidarebefordrat brev, påbörjat vidarebefordrat meddelande
fi forward: välitetty viesti, edelleenlähetetty viesti
tr forward: yönlendirilmiş ileti, iletilmiş mesaj
ru forward: пересылаемое сообщение, переадресованное сообщение, пересланное сообщение, начало переадресованного сообщения
uk forward: переслане повідомлення, пересилання
zh forward: 转发邮件, 转发的邮件信息, 轉寄郵件, 转发的邮件
ja forward: 転送メッセージ, 転送されたメッセージ
"""
ABOVE_THIS_LINE = re.compile(
    r"(?:reply|respond|answer|type|write|antwoord|reageer|typ|antworten|schreiben|répon|escrib|respond)[^\n]{0,60}"
    r"(?:above this line|boven deze (?:lijn|regel)|(?:über|oberhalb) dieser? (?:linie|zeile)|au-dessus de cette ligne"
    r"|(?:encima|arriba) de esta línea)",
    re.I,
)
RULE_MARKS = "-_=*#~+—–―─━."
RULE = re.compile(r"[-_=*#~+—–―─━][-_=*#~+—–―─━ ]{2,}")
UNDERLINE = re.compile(r"_{10,}")
COLONS = ":："
MAX_LINE = 500
MAX_LABEL = 40
MAX_BLOCK = 14
DECORATION = " \t\u00a0*_\u200e\u200f>|"
HEADER_DATE = re.compile(r"\b\d{1,2} [A-Z][a-z]{2} (?:19|20)\d\d \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT|UTC)")
ANY_LABEL = re.compile(r"\W{0,3}[^\W\d][^:：]{0,24}[:：]")


def _labels() -> dict[str, str]:
    """Label in lower case → role. Where languages disagree the first in the table wins."""
    found: dict[str, str] = {}
    for line in LABELS.strip().splitlines():
        for role, words in zip(ROLES, line.partition(":")[2].split("|"), strict=True):
            for word in filter(None, (one.strip() for one in words.split(","))):
                found.setdefault(word, "date" if word in ANY_TIME else role)
    return found


def _separators() -> dict[str, bool]:
    """Words between the dashes → is it a forward?"""
    found: dict[str, bool] = {}
    for line in SEPARATORS.strip().splitlines():
        kind, _, words = line.partition(": ")
        found.update((word, kind.endswith("forward")) for word in words.split(", "))
    return found


ROLE_OF = _labels()
IS_FORWARD = _separators()


def label_of(line: str) -> str:
    """The role of a header line ("from", "sent", "date", "to", "subject", "copy"), '' if it is none."""
    at = line.find(":", 0, MAX_LABEL)
    if at < 0:
        at = line.find("：", 0, MAX_LABEL)
    if at <= 0:
        return ""
    return ROLE_OF.get(line[:at].strip(DECORATION).lower(), "")


def separator_of(line: str) -> str:
    """ "original" or "forward" for a separating line, else ''. `line` is stripped."""
    if not line or len(line) > MAX_LINE:
        return ""
    is_ruled = line[0] in RULE_MARKS
    if not is_ruled and line[-1] not in COLONS:
        return "original" if line[0] == "[" and ABOVE_THIS_LINE.search(line) else ""
    words = line.strip(RULE_MARKS + COLONS + "<>[] \t\u00a0").lower().replace("’", "'")  # noqa: RUF001
    if words in IS_FORWARD:
        return "forward" if IS_FORWARD[words] else "original"
    if not is_ruled:
        return ""
    if ABOVE_THIS_LINE.search(line):
        return "original"
    return _long_separator(line, words)


def _long_separator(line: str, words: str) -> str:
    """Notes and others name people and dates in it: "----- Forwarded by Ann Smith on 01/02/2026 -----"."""
    if line[:2] not in ("--", "__", "==") or line[-2:] not in ("--", "__", "=="):
        return ""
    for length in (4, 3, 2):
        found = IS_FORWARD.get(" ".join(words.split()[:length]))
        if found is not None:
            return "forward" if found else "original"
    return ""


def is_header_block(lines: Sequence[str], number: int, *, is_ruled: bool = False) -> bool:
    """Do header lines of an original message begin here? `lines` are stripped.

    A sender and two more kinds of lines; an address, a subject or "sent" among them. Below a rule any language will do.
    """
    start = number
    if UNDERLINE.fullmatch(lines[number]):
        start, is_ruled = number + 1, True
    window = [line for line in lines[start : start + MAX_BLOCK] if len(line) <= 4 * MAX_LINE]
    if not window or not ANY_LABEL.match(window[0]):
        return False
    roles = _roles(window)
    if "from" in roles and len(roles - {"copy"}) >= (2 if is_ruled else 3):
        return bool(roles & {"subject", "sent"}) or any("@" in line for line in window)
    return (is_ruled and _is_foreign_block(window)) or _is_senderless_block(window)


def _is_senderless_block(window: Sequence[str]) -> bool:
    """The date of a mail header, to the second and with its zone, and then an address."""
    if not window[1:] or label_of(window[0]) not in ("sent", "date") or not HEADER_DATE.search(window[0]):
        return False
    return label_of(window[1]) != "" and "@" in window[1]


def _roles(window: Sequence[str]) -> set[str]:
    """Roles of the header lines that follow each other; wrapped values and single empty lines may stand between."""
    roles: set[str] = set()
    others = 0
    for line in window:
        role = label_of(line)
        if role:
            others = 0
            roles.add(role)
        else:
            others += 1
            if others > 2 or (others and not roles):
                break
    return roles


def _is_foreign_block(window: Sequence[str]) -> bool:
    """Three or more "word: value" lines in a row with an address and a number in them."""
    filled = [line for line in window if line][:6]
    block = filled[: next((at for at, line in enumerate(filled) if not ANY_LABEL.match(line)), len(filled))]
    joined = " ".join(block)
    return len(block) >= 3 and "@" in joined and any(char.isdigit() for char in joined)
