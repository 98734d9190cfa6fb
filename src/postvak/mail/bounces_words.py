"""What the words of mail servers mean: tables for delivery reports in prose, and which sort of failure it is.

Wordings of Postfix, Exim, Sendmail, qmail, Courier, Exchange, Domino, GroupWise and the big providers; codes
of RFC 3463 and the IANA registry. A row that is missing costs a sort ("soft"), never a wrong recipient.
"""

from __future__ import annotations

import re
from functools import cache

from postvak.mail.values import Failure

ARRIVED = frozenset({"delivered", "relayed", "expanded", "complained"})
NAMES = re.compile(r"https?://\S+|[^\s<>@\"']{1,64}@[\w.-]{1,253}", re.I)
MAX_WORDS = 2000
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
REPLY_CODE = re.compile(r"(?<![\d.:-])([45])[0-7]\d(?![\d.:]\d|\d)(?=[\s\-#:;,)\]'\"(]|$)")

# The first row that fits decides. Sentences about the sender stand first: they use the words of the others.
WORDS: tuple[tuple[Failure, str], ...] = (
    (
        Failure.POLICY,
        r"sender(?:'s)?(?: address| domain| id| e-?mail){0,3}(?: is| was)? (?:rejected|denied|not allowed|invalid|unknown"
        r"|verif|refused|does not|doesn)|domain of sender|invalid sender|bad sender|cannot verify|callback|sending domain"
        r"|from (?:address|domain|header) |verification failed|senders? domain|(?:after|reply to|>>>) mail from"
        r"|my name was rejected",
    ),
    (
        Failure.SOFT,
        r"not found, try again|name ?server (?:reply|timeout|failure)|servfail|temporary (?:name|dns|lookup)|too many"
        r" (?:messages|connections|concurrent)|rate ?limit|throttl|gr[ae]y ?-?list",
    ),
    (
        Failure.FULL,
        r"(?:mail ?box|inbox|account|user|recipient|folder|postvak|postfach|konto|buz[oó]n|casella|bo[iî]te)"
        r"[^.\n]{0,60}(?:\bfull\b|over ?quota|over (?:the |its |his )?(?:allowed )?(?:quota|limit)|exceed|vol\b|voll"
        r"|überfüllt|ueberfuellt|pleine|llen[oa]|pien[oa])"
        r"|over ?quota|quota[^.\n]{0,40}(?:exceed|full|reached|überschritten|overschreden|dépass|would)"
        r"|(?:exceed|reached|over)[^.\n]{0,60}(?:quota|mailbox size|storage|local limit|disk)"
        r"|(?:insufficient|not enough|out of|no more|no)(?: system| disk| available| mailbox)? ?(?:storage|space|room)"
        r"|(?:disk|mailbox|mail ?dir|storage) (?:quota|full)|full mailbox|mailbox size limit|too much mail data"
        r"|容量|一杯|いっぱい",
    ),
    (
        Failure.HARD,
        r"(?:unknown|invalid|no such|non-?existent|bad|incorrect|undefined|unrecognized|illegal|not a (?:valid|known|"
        r"registered)|no valid) (?:or \w+ )?(?:virtual |local |internal |domain |e-?mail |mail |smtp |gateway |destination "
        r"|rcpt |to |final |forward-path )?(?:alias|user|recipient|addres\w*|mailbox\w*|account|domain|host|person|name|"
        r"destination|local ?-?part|rcpt|mail ?drop)"
        r"|(?:user|recipient|address|mailbox|account|alias|host|domain|name|destination|rcpt|hostname|customer)s?"
        r"(?: name| address| account| part| mailbox| or domain)?[^\n]{0,60}?"
        r"(?:unknown|not (?:be )?(?:found|exist|known|listed|valid|recogni[sz]ed|resolve|here|local|present|our customer)"
        r"|(?:does|do|did)(?:n.t| not)(?: seem to)? (?:exist|have)|is (?:invalid|inactive|disabled|expired|closed|deleted)"
        r"|has been (?:disabled|closed|deleted|deactivated|removed)|no longer|(?:was )?not found|moved to)|(?:mailbox|user|account) (?:is )?unavailable"
        r"|(?:does|do)(?:n.t| not) (?:exist|have an? [\w.]{1,30} account)|no (?:mailbox|mail ?box|account|user|one)"
        r"(?: is)?(?: here| by| with| known| named| account)|nobody by that|unrouteable|unroutable|couldn.t find any host"
        r"|recipient address(?:es)? rejected ?: ?access denied|(?:null|no) mx|nxdomain|domain not found|(?:host|name|domain)[^\n]{0,80}not found|delivery userid|does not (?:accept|receive) (?:any )?mail"
        r"|account[^.\n]{0,30}(?:disabled|inactive|closed|deactivated|expired)|(?:disabled|inactive|discontinued) "
        r"(?:user|recipient|mailbox|account)|left the (?:company|organi)|recipnotfound|resolver\.adr|invalidrecipients"
        r"|bestaat niet|onbekende? (?:gebruiker|ontvanger|adres|e-mailadres)|existiert nicht|unbekannte?r? "
        r"(?:benutzer|empf|adresse)|empfänger[^.\n]{0,30}unbekannt|inconnue?|n.existe pas|no existe|desconocid"
        r"|sconosciut|non esiste|存在しま|存在しない|見つかりません|不明|recipient (?:name )?is not|not (?:listed|found) in "
        r"(?:domino|the|public)[^.\n]{0,40}(?:directory|name|address)|not our customer|user.s? mail ?drop not found",
    ),
    (
        Failure.BLOCKED,
        r"black ?-?list|block ?-?list|black ?-?hole|blocked|\bspam\b|spammy|spamming|spamhaus|spamcop|barracuda|sorbs"
        r"|dnsbl|\brbl\b|\bsbl\b|reputation|unsolicited|\bbanned\b|abus(?:e|ive)|bulk (?:e-?)?mail|junk mail"
        r"|\b(?:ptr|rdns)\b|reverse (?:dns|hostname|lookup)|(?:client|host|ip|connection|network)[^.\n]{0,50}"
        r"(?:rejected|refused by|denied|not (?:allowed|welcome|permitted))|bad helo|dynamic ip|open proxy|complaints?\b"
        r"|listed (?:in|at|on|by)|poor|suspicio|迷惑|受信拒否",
    ),
    (
        Failure.POLICY,
        r"relay|\bspf\b|dkim|dmarc|authenti|policy|polic(?:y|ies)|not (?:be )?(?:allowed|authori[sz]ed|permitted|accept"
        r"|a member|subscri)|unauthori[sz]ed|virus|malware|infected|attachment|content|too (?:large|big)|(?:line|header|message) too long"
        r"|(?:message|mail)[^.\n]{0,20}size|size (?:limit|exceed)|exceeds?[^.\n]{0,30}size|restrict|prohibit|administrat"
        r"|forbidden|filter|security|starttls|\btls\b|encrypt|access denied|refus(?:ed|e) (?:by|your|to accept)"
        r"|rejected (?:by|for|due)|message (?:was )?rejected|rejected message|compl(?:y|ian)|rfc ?[25]?[38]22"
        r"|members? only|moderat|te groot|zu groß|geweigerd|abgelehnt|verweigert",
    ),
    (
        Failure.SOFT,
        r"time(?:d)?[- ]?out|try (?:again|later)|temporar|expired|too (?:old|long in)|in the queue too long|connection"
        r"|refused|resources|overload|busy|greylist|gr[ae]y ?list|too many|loop|hop count|rate ?limit|throttl|deferred",
    ),
)
# What a code says for sure, and what it means if the words say nothing.
SURE: tuple[tuple[str, Failure], ...] = (
    (r"5\.1\.[78]$", Failure.POLICY),  # the sender's address is bad
    (r"5\.1\.(?:[1-6]|10)$|5\.2\.1$|5\.4\.310$", Failure.HARD),
    (r"[45]\.2\.2$", Failure.FULL),
)
LIKELY: tuple[tuple[str, Failure], ...] = (
    (r"5\.1\.|5\.4\.[14]$", Failure.HARD),
    (r"5\.2\.3$|5\.3\.4$|5\.[67]\.", Failure.POLICY),
)
BLOCKERS = re.compile(r"spamhaus|spamcop|barracuda|sorbs|senderscore|too many recipients", re.I)


@cache
def sorts() -> tuple[tuple[Failure, re.Pattern[str]], ...]:
    """WORDS, at their first use: to compile them takes some time, and most programs never read a bounce."""
    return tuple((failure, re.compile(pattern, re.I)) for failure, pattern in WORDS)


def classify(action: str, status: str, diagnostic: str) -> Failure:
    """The sort of a failure: a code that is sure, else the words of the remote server, else a likely code."""
    if action in ARRIVED:
        return Failure.NONE
    if action == "delayed":
        return Failure.DELAYED
    if BLOCKERS.search(diagnostic[:MAX_WORDS]):
        return Failure.BLOCKED
    words = NAMES.sub(" @ ", diagnostic[:MAX_WORDS])
    found = (
        next((sort for pattern, sort in SURE if re.match(pattern, status)), None)
        or next((sort for sort, pattern in sorts() if pattern.search(words)), None)
        or next((sort for pattern, sort in LIKELY if re.match(pattern, status)), None)
    )
    return found or Failure.SOFT


def best_status(written: str, diagnostic: str) -> str:
    """The most exact of the enhanced codes; at a tie that of the remote server, which the report only translates.

    A plain SMTP code gives its class ("550" is "5.0.0"); '' if there is no code at all.
    """
    declared = STATUS.search(written)
    words = NAMES.sub(" @ ", diagnostic[:MAX_WORDS])
    own: str = declared.group(1) if declared else ""
    codes: list[str] = [code for code in STATUS.findall(words) if code[0] != "2" and code[0] == (own or code)[0]]
    codes += [own] if own else []
    if codes:
        return max(codes, key=_exactness)
    plain = REPLY_CODE.search(words)
    return f"{plain.group(1)}.0.0" if plain else ""


def _exactness(code: str) -> int:
    """4.4.7 ("time expired") says less than why every attempt failed; x.0.0 says nothing."""
    _, subject, detail = code.split(".")
    return 0 if subject == "0" else 1 if detail == "0" or (subject, detail) == ("4", "7") else 2


COMPLAINT_SUBJECT = re.compile(r"\s{0,20}complaint about message from \d", re.I)  # Microsoft's feedback loop
# -- a mail that says in prose that another mail did not arrive -------------------------------------------------
_MAIL = r"(?:e-?mails?|mails?|messages?|letters?|courriels?|bericht(?:en)?|nachricht(?:en)?|mensajes?|messaggi[oa]?)"
BOUNCE_SUBJECT = re.compile(
    r"\s{0,20}(?:\[?(?:warning|error|auto|notice|re|important)\]?\s*:\s*)?(?:"
    r"undeliver|un-deliver|non[- ]?deliver|not? delivered|returned (?:to sender|mail|message|e-?mail)|delivery"
    r" (?:status|failure|failed|has failed|problem|error|delayed|report|notification|incomplete|unsuccessful|to)\b|"
    r"mail (?:delivery|system error|failure|error|could not|not delivered|undeliver|returned|status report)"
    r"|failure (?:notice|delivery)|failed (?:mail|delivery|to deliver)|could(?: not|n.t) (?:deliver|send)"
    r"|(?:error|problem)[^:]{0,20} (?:sending|delivering)|there was an error sending"
    r"|(?:your |the )?(?:e-?mail |mail )?message (?:delivery|could not|was not|has not|not delivered|undeliver|delayed"
    r"|rejected|status)|(?:your )?(?:e-?mail|mail) (?:could not|was not|cannot|was rejected|rejected|bounced)"
    r"|rejected (?:mail|message|e-?mail)|could not send message|ndn:|ndr:|unable to deliver|permanent (?:delivery )?failure"
    r"|recipient (?:unknown|not found|rejected)|unknown (?:user|recipient|address)|user unknown|mailbox (?:full|unavailable)"
    r"|onbestelbaar|niet (?:te )?bezorg|niet afgeleverd|bezorging|afleverfout|aflevering|uw (?:bericht|e-?mail)[^:]{0,40}niet"
    r"|unzustellbar|nicht (?:zustellbar|zugestellt)|zustell|unzustell|fehler (?:bei|beim)|ihre (?:e-?mail|nachricht)[^:]{0,40}nicht"
    r"|non (?:remis|distribu|délivr|recapit|consegn)|échec|notification d.état|avis de non|mancata (?:consegna|ricezione)"
    r"|no se (?:puede|pudo|ha podido) entregar|no entregad|mensaje no|devuel|entrega (?:fallida|fracas)|falha na entrega"
    r"|não (?:entreg|foi)|niedostarcz|nie dostarczon|недостав|退信|无法投递|メールエラー|送信エラー|配信(?:エラー|不能|できま)"
    r"|(?:メール|配送|送信|配信)[^:]{0,20}(?:エラー|失敗|できません)|エラーメール|kézbesít|olevererbart|kan ikke leveres"
    r")",
    re.I,
)
BOUNCE_TEXT = re.compile(
    rf"\b{_MAIL}\b[^.\n]{{0,140}}\b(?:could|can|was|were|has|have|is|had|cannot|will)(?:n.t|\s*not)?\s+(?:not\s+)?(?:yet\s+)?"
    r"(?:be(?:en)?\s+)?(?:successfully\s+)?(?:undeliver|(?<=not )(?:deliver|sent|accept|forward|process|relay|complet|reach)"
    r"|(?<=not be )(?:deliver|sent|accept|forward|process|relay|complet)|(?<=not been )(?:deliver|sent|accept)|rejected|refused"
    r"|bounced|returned)"
    r"|(?:could(?: not|n.t)|cannot|can not|unable to|not able to|failed to|trouble|error(?: occurred)?(?: while)?(?: attempting)?)"
    r"(?: to)?(?: be)? (?:deliver|send(?:ing)? (?:your|the) (?:e-?)?(?:mail|message))"
    r"|undeliver(?:able|ed)|did not reach|wasn.t delivered|has not been delivered|not delivered to|message not delivered"
    r"|delivery (?:to|of|attempt)[^\n]{0,120}(?:fail|not|permanent|delay|abort|unsuccess)|delivery (?:has )?failed|delivery status notif"
    r"|(?:address|recipient|destination)(?:es|s|\(s\))? (?:which )?(?:below )?(?:had|failed|returned|has|have|were|was|not|could|caused)"
    r"|(?:addresses|recipients?)(?:\(s\))? (?:had|failed|returned|caused)|original message was received at|transcript of session"
    r"|(?:invalid|unknown|no such|not a valid) (?:user|recipient|address|mailbox|account)|user[^\n]{0,30}unknown"
    r"|user\(?s?\)? (?:account|mailbox)[^\n]{0,40}(?:disabled|full|unavailable)|mailbox (?:is |was )?(?:full|unavailable|disabled)"
    r"|over quota|quota exceeded|(?:mailbox|account|address|user)[^.\n]{0,40}(?:does(?:n.t| not) exist|not exist)"
    r"|permanent (?:fatal )?(?:error|failure)|smtp error from remote|said: [45]\d\d|responded with[^\n]{0,20}[45]\d\d"
    r"|^[ \t<>*-]{0,8}[45]\d\d[ -](?:[45]\.\d|requested|[^\n]{0,60}(?:reject|unknown|denied|not|no ))"
    r"|bericht[^.\n]{0,100}(?:niet|nog)[^.\n]{0,60}(?:bezorgd|afgeleverd|verzonden|verstuurd|aangekomen)|onbestelbaar"
    r"|niet (?:worden )?(?:bezorgd|afgeleverd)|postvak[^.\n]{0,20} vol"
    r"|(?:nachricht|e-?mail|mail)[^.\n]{0,160}nicht[^.\n]{0,80}(?:zugestellt|zustellbar|gesendet|übermittelt|ausgeliefert|versendet)"
    r"|unzustellbar|nicht zugestellt|zustellung[^.\n]{0,80}(?:fehl|nicht|verzög)|empfänger[^.\n]{0,60}(?:unbekannt|existiert nicht)"
    r"|postfach[^.\n]{0,40}(?:voll|überfüllt)"
    r"|(?:message|courriel|mail)[^.\n]{0,100}(?:n.a|ne|pas)[^.\n]{0,60}(?:remis|délivré|distribué|livré|envoyé|transmis)"
    r"|échec de (?:la )?(?:remise|livraison)|no (?:se )?(?:ha |pudo |puede |han )?(?:podido )?(?:ser )?(?:entreg|enviar)"
    r"|buzón[^.\n]{0,30}llen|(?:messaggio|mail)[^.\n]{0,80}non[^.\n]{0,40}(?:recapitat|consegnat|inviat)|mancata consegna"
    r"|não (?:pôde|foi possível)[^.\n]{0,40}entreg|nie (?:mo\w+|zosta\w+)[^.\n]{0,40}dostarczon|не (?:было|удалось|может)"
    r"[^.\n]{0,40}достав|无法(?:送达|投递|发送)|投递失败|未能送达"
    r"|(?:送信|配信|配送|送達|お届け|届け|返送|転送)[^。\n]{0,12}(?:でき|失敗|エラー|不能|ません)|(?:宛先|アドレス|ユーザ)[^。\n]{0,30}"
    r"(?:不明|存在し|見つかり)|メールボックス[^。\n]{0,20}(?:一杯|いっぱい)",
    re.I | re.M,
)
# Software of mailing lists, and how it refuses a mail.
LIST_REFUSAL = re.compile(
    r"\byou(?: \S{1,80})? are not (?:a )?(?:member|subscri|allowed|authori[sz]ed|permitted)|not (?:a )?subscri(?:ber|bed)"
    r"|post(?:ing)?s? (?:by|from) non-?members?|(?:has been|was|is) (?:automatically )?rejected|duplicated message-id|loop alert",
    re.I,
)
DELAY = re.compile(
    r"will (?:be )?(?:re-?tr|keep (?:on )?try|continue|try again|make (?:additional|further) attempt|automatically)"
    r"|(?:no|not) need to re-?send|do not (?:need to )?re-?send|not yet been delivered|has been delayed|still (?:trying|being)"
    r"|(?:delivery|message)[^.\n]{0,30} delayed|attempts to deliver[^.\n]{0,60}continue|warning message only|delayed (?:mail|delivery)"
    r"|this is (?:only )?a warning|nog niet (?:bezorgd|afgeleverd)|wordt? opnieuw geprobeerd|noch nicht zugestellt|wird weiter"
    r"|verzögert|vertraagd|retardé",
    re.I,
)
GIVEN_UP = re.compile(
    r"giv(?:en?|ing) up|not going to try|no (?:further|more) (?:delivery )?attempt|permanent|will not be retried|too long"
    r"|was not delivered|could not be delivered for|expired|returned to sender|final",
    re.I,
)
