"""Words by which people's programs say that nobody is there, in the languages of our customers.

Subjects that only a program writes decide alone (`ANSWER_SUBJECT`). Subjects and sentences that people write
too ("I am on holiday") only count together with another sign.
"""

from __future__ import annotations

import re

# What mail programs put before the subject of the mail that they answer. Nobody types these.
ANSWER_SUBJECT = re.compile(
    r"\s{0,20}(?:\[?auto(?:matic|mated|matische?[rs]?|matisk|matyczna)?\]?[- ]?(?:repl(?:y|ies)|respons[ei]?|antwort|antwoord"
    r"|reactie|bericht|answer|svar|odpowied[zź])"
    r"|r[ée]ponse automatique|respuesta autom(?:[aá]tica|atizada)|risposta automatica|resposta autom[aá]tica"
    r"|automatische? (?:afwezigheids\w{1,30}|beantwoording|abwesenheits\w{1,30})|automaattinen vastaus|automatisk svar"
    r"|autosvar|odpowied[zź] automatyczna|automatick[aáyý] odpov\w{1,10}|automatikus válasz|răspuns automat|otomatik yanıt"
    r"|автоответ|автоматический ответ|自動(?:応答|返信|回复|回覆)|自动(?:回复|答复)"
    r"|out[- ]of[- ](?:the[- ])?office[ -]{1,3}(?:auto[- ]?(?:reply|response|matic reply)|reply|response|notification|message|assistant)"
    r"|abwesenheits(?:notiz|meldung|benachrichtigung|nachricht|assistent|info)\w{0,10}"
    r"|afwezigheids(?:bericht|melding|assistent|notificatie)\w{0,10}|(?:vacation|away|holiday) (?:reply|autoreply|auto-reply|response)"
    r"|(?:message|notification|avis) d.absence|mensaje de ausencia|messaggio di assenza|不在(?:通知|連絡|のお知らせ)|auto\b)"
    r"(?: (?:from|von|van|de|for|to|about|über|over) [^:]{0,80})?\s{0,3}(?:[:：(\[–—-]|$)",
    re.I,
)
# Nothing else in the subject, or no more than until when; a person would ask something.
ONLY_AWAY_SUBJECT = re.compile(
    r"\s{0,20}(?:out of (?:the )?office|afwezig|abwesend|absent|absence|abwesenheit|afwezigheid|ausente|assente)"
    r"(?:,? (?:until|till|through|from|tot(?: en met)?|t/m|van|bis|vom|ab|jusqu.au|du|hasta|fino al|dal)\b[^?]{0,40}\d[^?]{0,40})?[.! ]{0,3}",
    re.I,
)
# Absence as a subject; people of the personnel department get these from people.
AWAY_SUBJECT = re.compile(
    r"\s{0,20}(?:out[- ]of[- ](?:the[- ])?office|ooo\b|o\.o\.o|away from (?:the |my )?(?:office|desk|e?-?mail)|i am (?:away|out|on)"
    r"|i.m (?:away|out|on)|on (?:vacation|holiday|annual leave|leave|parental|maternity)|(?:annual|maternity|parental) leave"
    r"|afwezig|niet aanwezig|niet op kantoor|buiten kantoor|ik ben (?:er niet|afwezig|met|op|even|niet)|met vakantie|op vakantie"
    r"|vakantie|(?:met )?zwangerschapsverlof|ouderschapsverlof|verlof\b|gesloten\b"
    r"|abwesen|nicht (?:im|am) (?:büro|buero|haus|platz|arbeitsplatz|dienst)|ich bin (?:nicht|im|in|bis|vom|derzeit|aktuell|zur)"
    r"|im urlaub|urlaub|betriebsferien|elternzeit|mutterschutz|außer haus|ausser haus|büro geschlossen"
    r"|absen[ct]e?\b|absent|en (?:congés?|vacances)|je suis (?:absent|en|actuellement)|bureau fermé|hors du bureau"
    r"|ausencia|ausente|de vacaciones|fuera de (?:la )?oficina|estoy (?:de|fuera)|assen(?:za|te)|in ferie|fuori (?:ufficio|sede)"
    r"|ausência|fora do escritório|de férias|frånvar|fraværende|ude af kontoret|poza biurem|nieobecno|休暇|不在|отсутств)",
    re.I,
)
# The sentence itself, at the top of the text.
AWAY_TEXT = re.compile(
    r"out of (?:the |my )?office|away from (?:the |my )?(?:office|desk|e?-?mail|work|computer)|(?:i am|i.m|we are|i will be|i.ll be)"
    r" (?:currently |presently |now |also )?(?:away|absent|unavailable|not available|not in|on (?:vacation|holiday|leave|annual"
    r"|sick|parental|maternity|paternity|a business|sabbatical)|travel+ing|out(?: of|\s+until|\s+from|\s+on))"
    r"|(?:on|from) (?:annual |sick |parental |maternity |paternity |my )?(?:vacation|holidays?|leave) (?:until|till|from|through|and)"
    r"|(?:i will|i.ll) (?:return|be back|be returning)|(?:limited|no|intermittent) access to (?:my )?(?:e-?mail|mail|email)"
    r"|office (?:is|will be) closed|no longer (?:work|with|employed)"
    r"|(?:ik|wij|we) (?:ben|zijn) (?:(?:er|op dit moment|momenteel|helaas|nu|t/m|tot|van|vanaf|tot en met)[^.\n]{0,40} )?(?:niet"
    r" (?:aanwezig|op kantoor|bereikbaar|in de gelegenheid|beschikbaar|werkzaam)|afwezig|met (?:\w+ )?(?:vakantie|verlof)"
    r"|op vakantie|buiten kantoor|er niet|gesloten|vrij)|(?:momenteel|op dit moment|tijdelijk|helaas|wegens)[^.\n]{0,60}"
    r"(?:afwezig|niet (?:aanwezig|bereikbaar|op kantoor)|met (?:vakantie|verlof)|op vakantie)|afwezig (?:van|tot|t/m|wegens|i\.?v\.?m)"
    r"|niet (?:op kantoor|aanwezig)|(?:geniet|wegens|tijdens mijn)[^.\n]{0,30}(?:vakantie|verlof)|weer (?:aanwezig|bereikbaar|op kantoor"
    r"|terug)|kantoor (?:is )?gesloten|beperkte? toegang tot|niet meer werkzaam|tijdens mijn afwezigheid|afwezigheid"
    r"|(?:bin|sind) (?:ich |wir )?[^.\n]{0,80}(?:nicht (?:im|am|in|erreichbar|anwesend|verfügbar|da\b|zu erreichen)|abwesend"
    r"|außer haus|ausser haus|im urlaub|in (?:elternzeit|mutterschutz|urlaub|den ferien)|auf (?:dienstreise|geschäftsreise)|unterwegs)"
    r"|nicht im (?:büro|buero|haus)|abwesenheit|im urlaub|(?:wieder|erst ab)[^.\n]{0,60}(?:erreichbar|im (?:büro|haus)|für sie da|zurück)"
    r"|wieder (?:da|erreichbar|zurück|im büro)|büro (?:ist|bleibt)[^.\n]{0,40}geschlossen|betriebsferien|betriebsurlaub|keinen zugriff"
    r"|nicht mehr (?:für|bei)[^.\n]{0,40}(?:tätig|beschäftigt)|in dringenden fällen"
    r"|(?:suis|serai|sommes)[^.\n]{0,60}(?:absent|en congé|en vacances|en déplacement|indisponible|pas disponible)|mon absence"
    r"|de retour (?:le|au|à partir)|bureaux? (?:est|sont|sera|seront) fermé|hors du bureau"
    r"|(?:estoy|estaré|estare|me encuentro|estamos)[^.\n]{0,60}(?:fuera|ausente|de vacaciones|de baja|de viaje)|mi ausencia|de vacaciones"
    r"|(?:sono|sarò|saro)[^.\n]{0,60}(?:assente|fuori (?:ufficio|sede)|in ferie|in vacanza)|mia assenza|rientr(?:o|erò)"
    r"|(?:estou|estarei)[^.\n]{0,60}(?:ausente|de férias|fora)|(?:är|er)[^.\n]{0,40}(?:semester|ferie|frånvarande|fraværende)"
    r"|przebywam na urlopie|poza biurem|休暇|不在|休業|夏季休|年末年始|отсутств|в отпуске",
    re.I,
)
# A program that says so of itself, at the start of a line.
AUTOMATIC_TEXT = re.compile(
    r"^[ \t*#=_>~(\[-]{0,12}(?:please note[:,]? )?(?:this (?:is|e?-?mail is|message is|email (?:was|has been)|message (?:was|has been))"
    r" (?:an? |sent |being )?(?:auto(?:matic(?:ally)?|mated)?)[ -]?(?:generated|created|sent|reply|response|repl|responder|e-?mail"
    r"|message|answer|notification|confirmation)"
    r"|automat(?:ed|ic) (?:reply|response|answer|message)|auto-?(?:reply|response|responder)\b"
    r"|dit (?:is|bericht is|e-?mail(?:bericht)? is|bericht werd)(?: een)? automatisch|automatisch (?:gegenereerd|verzonden|antwoord|bericht)"
    r"|dies(?:e|es)? (?:ist eine|e?-?mail|nachricht|mail|antwort|schreiben)[^.\n]{0,40} ?automatis|automatisch (?:generiert|erstellt|erzeugt"
    r"|versendet)e?|ceci est (?:un|une) (?:message|réponse|courriel|e-?mail)[^.\n]{0,20} automatique|ce (?:message|courriel|mail)[^.\n]{0,40}automat"
    r"|(?:est[ae]|este) (?:es )?(?:una?|un) (?:respuesta|mensaje|correo) autom|quest[ao] (?:è|e')? ?(?:una?|un)?[^.\n]{0,20}(?:risposta|messaggio|mail)"
    r"[^.\n]{0,30}automatic|esta é uma (?:mensagem|resposta) autom|このメールは[^\n]{0,20}自動|本メールは[^\n]{0,20}自動|自動(?:返信|応答|配信)メール)",
    re.I | re.M,
)
# Answers of a desk, not of an absent person: "we received your message".
RECEIVED_TEXT = re.compile(
    r"(?:have |has been )?received (?:your|and)|receipt of|ticket|case (?:number|id)|reference number|ontvangen|ontvangst|in behandeling"
    r"|erhalten|eingegangen|eingang|vorgang|bearbeit|reçu|recibido|ricevut|受け付け|受付|get back to you (?:as soon|shortly|within)",
    re.I,
)
# Where the mail that is answered begins.
QUOTE_BELOW = re.compile(
    r"^[ \t]{0,8}(?:>|-{2,}\s{0,3}(?:original|oorspronkelijk|ursprüngliche|message d|forwarded|weitergeleitet|doorgestuurd)"
    r"|_{10,}|\*?(?:from|van|von|de|da)\*?: )|^[^\n]{4,200}(?:wrote|schreef|schrieb|a écrit|escribió|ha scritto)[^\n]{0,60}:[ \t]*$",
    re.I | re.M,
)
REPLY_SUBJECT = re.compile(
    r"\s{0,20}(?:(?:re|aw|antw|sv|vs|fw|fwd|wg|doorst|tr|rv|betr|rif|r|i|odp|enc|res)(?:\[\d+\])?\s*:)", re.I
)
READ_SUBJECT = re.compile(
    r"\s{0,20}(?:(?:not )?read|gelezen|niet gelezen|gelesen|ungelesen|lu|non lu|leído|letto|read receipt|return receipt|disposition notification"
    r"|leesbevestiging|lesebestätigung|empfangsbestätigung|ontvangstbevestiging \(weergegeven\)|confirmation de lecture|開封済み)\b[^:]{0,30}"
    r"(?::|\(|-|$)",
    re.I,
)
READ_TEXT = re.compile(
    r"(?:was|is|werd|wurde|a été|fue|è stato|has been) (?:read|displayed|gelezen|weergegeven|gelesen|angezeigt|lu\b|leído|letto|deleted without)"
    r"|(?:bericht|message|nachricht)[^.\n]{0,200}(?:was read on|is gelezen op|gelezen op|wurde am|gelesen am)|return receipt for|leesbevestiging"
    r"|read receipt|lesebestätigung|no guarantee that the message has been read|開封",
    re.I,
)
# Headers by which spam filters mark a mail.
_YES = re.compile(r"\s{0,20}(?:yes|true|spam|1)\b", re.I)
SPAM_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("x-spam-flag", _YES),
    ("x-spam-status", _YES),
    ("x-spam", _YES),
    ("x-barracuda-spam-flag", _YES),
    ("x-spam-detected", _YES),
    ("x-is-spam", _YES),
    ("x-bogosity", _YES),
    ("x-dspam-result", _YES),
    ("x-microsoft-antispam-scl", re.compile(r"\s{0,20}[5-9]")),
    ("x-ms-exchange-organization-scl", re.compile(r"\s{0,20}[5-9]")),
    ("x-forefront-antispam-report", re.compile(r".{0,2000}\b(?:SFV:(?:SPM|SKS|SKB)|SCL:[5-9])\b", re.I | re.S)),
    ("x-rspamd-action", re.compile(r"\s{0,20}(?:reject|add header|rewrite subject|soft reject)", re.I)),
    ("x-spamd-result", re.compile(r"[^\n]{0,40}: True\b", re.I)),
    ("x-proofpoint-spam-details", re.compile(r".{0,200}\brule=(?!no)\w*spam", re.I | re.S)),
    ("x-gmx-antispam", re.compile(r"\s{0,20}[1-9]")),
)
