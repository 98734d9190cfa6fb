"""Paragraphs that lawyers and servers add: confidentiality notices, "think before you print", external sender."""

from __future__ import annotations

from collections.abc import Sequence

# language: one kind of signs; a notice has signs of two kinds, in one language
NOTICES = """
en: confidential, privileged, proprietary
en: intended recipient, intended only, intended solely, named recipient, solely for the, only for the use, addressee, for the sole use, named above
en: received this, by mistake, in error
en: unauthorized, unauthorised, strictly prohibited, disclosure, dissemination, may be unlawful
en: virus, liability, liable, warranty
en: delete it, delete this, destroy, notify the sender, notify us
en: legally binding, registered in england, registered office
nl: vertrouwelijk, geheimhouding
nl: geadresseerde, bestemd voor, uitsluitend bedoeld, beoogde ontvanger, bedoeld voor
nl: ten onrechte, abusievelijk, per vergissing, per abuis, niet voor u bestemd
nl: niet toegestaan, verboden, openbaarmaking, vermenigvuldiging, verspreiding
nl: virus, aansprakelijk, rechten worden ontleend, rechten ontlenen, ontleend
nl: te vernietigen, te verwijderen, vernietig, verwijder dit, afzender te
de: vertraulich, rechtlich geschützt
de: empfänger, adressat, bestimmt für, ausschließlich für
de: irrtümlich, versehentlich, nicht der richtige
de: unbefugt, nicht gestattet, unerlaubt, untersagt, nicht zulässig
de: viren, haftung, haften, rechtsverbindlich, gewähr
de: vernichten, löschen, informieren sie bitte, absender
de: geschäftsführer, amtsgericht, handelsregister, sitz der gesellschaft
fr: confidentiel
fr: destinataire, usage exclusif, à l'attention exclusive
fr: par erreur
fr: interdite, non autorisée, divulgation, strictement interdit
fr: virus, responsabilité
fr: détruire, supprimer, expéditeur
es: confidencial
es: destinatario, uso exclusivo, dirigido exclusivamente
es: por error
es: prohibida, prohibido, no autorizada, divulgación
es: virus, responsabilidad
es: eliminar, destruir, borrar, remitente
it: riservat, confidenzial
it: destinatari, uso esclusivo
it: per errore
it: vietat, non possono copiare, divulgazione, consegnare il
it: virus, responsabilità
it: cancellar, distrugg, mittente, restituirc
pt: confidencial, sigilos
pt: destinatário, uso exclusivo
pt: por engano, por erro
pt: proibid, não autorizad, divulgação
pt: vírus, responsabilidade
pt: apagar, eliminar, destruir, remetente
pl: poufn
pl: adresat, wyłącznie dla
pl: omyłkow, przez pomyłkę
pl: zabronione, rozpowszechnianie
pl: usunięcie, nadawc
da: fortrolig
da: modtager, bestemt for
da: ved en fejl
da: ikke tilladt
da: slette, afsender
sv: konfidentiell, sekretess
sv: mottagare, avsett för, avsedd för
sv: av misstag
sv: obehörig, otillåt
sv: radera, förstör, avsändare
ru: конфиденциальн
ru: адресат, предназначен
ru: по ошибке, ошибочно
ru: запрещ
ru: удалить, уничтож, отправител
"""
# One of these is enough.
SURE = (
    "consider the environment before", "think before you print", "before printing this", "think of the environment",
    "denk aan het milieu", "denk om het milieu", "voordat u deze e-mail print", "voordat u deze mail print", "voor u deze e-mail print",
    "denken sie an die umwelt", "an die umwelt, bevor", "umwelt zuliebe", "bevor sie diese e-mail ausdrucken", "bevor sie diese mail",
    "pensez à l'environnement", "penser à l'environnement", "n'imprimez ce m", "n'imprimez pas ce", "préserver l'environnement", "préserver notre environnement", "respetemos el medio ambiente", "rispetta l'ambiente",
    "checked for viruses", "virus-free.", "virusvrij.", "virenfrei.", "gecontroleerd op virussen", "op virussen gecontroleerd", "auf viren geprüft",
    "scanned for viruses", "sans virus.", "libre de virus.", "garantita priva di virus", "scanned by mailscanner", "this email has been scanned",
)  # fmt: skip
HEADINGS = frozenset([
    "disclaimer", "confidentiality notice", "confidentiality", "legal notice", "vertrouwelijkheid", "proclaimer", "haftungsausschluss",
    "vertraulichkeitshinweis", "rechtlicher hinweis", "avis de confidentialité", "important notice", "privacy notice", "email disclaimer",
    "e-mail disclaimer", "aviso legal", "avviso di riservatezza", "hinweis", "notice",
])  # fmt: skip
# Put above the text by the receiver's own server: how it begins, and what it must say besides.
BANNER_STARTS = (
    "caution", "external", "[external", "[ext", "warning", "attention", "notice", "this email originated", "this message originated", "you don't often",
    "you don’t often", "some people who received", "let op", "waarschuwing", "extern", "[extern", "deze e-mail", "dit bericht", "u ontvangt niet vaak",
    "u krijgt niet vaak", "je ontvangt niet vaak", "achtung", "vorsicht", "warnung", "hinweis", "diese e-mail", "diese nachricht",
    "sie erhalten nicht", "sie erhalten nicht oft", "⚠",
)  # fmt: skip
BANNERS = (
    "originated from outside", "originated outside", "from outside of", "from outside the", "external sender", "external email", "external e-mail",
    "don't often get email", "don’t often get email", "don't often get email from",
    "van buiten", "externe afzender", "externe e-mail", "extern bericht", "niet vaak e-mail",
    "von außerhalb", "externen absender", "externer absender", "externe e-mail", "externe mail", "nicht häufig e-mail", "nicht oft e-mail",
)  # fmt: skip
MIN_LENGTH = 60
READ = 3000
MAX_BANNER = 500


def _signs() -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for line in NOTICES.strip().splitlines():
        language, _, signs = line.partition(": ")
        found.setdefault(language, []).append(tuple(signs.split(", ")))
    return found


SIGNS = _signs()


def notice_strength(paragraph: Sequence[str]) -> int:
    """0: no notice; 1: may belong to one; 2: is one, even alone."""
    text = " ".join(paragraph)[:READ].lower().replace("’", "'")  # noqa: RUF001
    if text.strip(" *_:-.#") in HEADINGS:
        return 2
    if any(phrase in text for phrase in SURE):
        return 2
    kinds = max(_kinds_found(text, signs) for signs in SIGNS.values())
    return min(kinds, 2) if len(text) >= MIN_LENGTH else min(kinds, 1)


def _kinds_found(text: str, signs: Sequence[tuple[str, ...]]) -> int:
    return sum(1 for kind in signs if any(sign in text for sign in kind))


def is_banner(paragraph: Sequence[str]) -> bool:
    """Is the first paragraph a warning of the receiver's server about mail from outside?"""
    text = " ".join(paragraph).lower().strip(" *_-=!:>")
    return len(text) <= MAX_BANNER and text.startswith(BANNER_STARTS) and any(phrase in text for phrase in BANNERS)
