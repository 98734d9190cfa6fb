"""In which language is a text written? By its small words and letters, offline; '' when it doesn't show.

Latin script: nl, de, en, fr, es, it, pt, pl, da, sv. Other scripts by their letters.
"""

from __future__ import annotations

import re
from collections import Counter

LOOKED_AT = 4000
MIN_SCORE = 1.5
FIRST = 0.66  # one word that two others don't have
LEAD = 1.15
# fmt: off
SMALL_WORDS = {
    "nl": "de het een en van ik je jij wij we niet is dat die in te op voor met aan zijn naar er maar om dan zou wat mijn men dit als"
          " heb heeft hebben ben bij uit nog wel geen deze ook kan kunnen worden wordt graag groet groeten bedankt alvast mij ons onze u uw"
          " hallo beste geachte goedemorgen werkt al weer over vriendelijke hoi dank waarom wanneer hoe doe doet moet gisteren vandaag",
    "de": "dank der die das und ist nicht ein eine einen einem einer ich sie wir mit auf für von zu den dem des im in es sich auch an als wie"
          " bei oder aber nur noch nach aus werden wurde wird haben habe hat bitte danke vielen grüße grüßen freundlichen mir mich uns"
          " unser unsere ihr ihre ihnen sehr geehrte geehrter hallo dass kann können keine kein mehr bin sind warum wann gestern heute",
    "en": "the and of to a in is that it for you i was on are with as this be have from or had by not but what all were we when your can"
          " there an which do my would please thanks thank regards hello hi dear me our us any has been will how why it's i'm don't not"
          " could should at if so am does did working yesterday today need help about kind best",
    "fr": "le la les de des et est un une pas que qui dans pour sur au aux avec ce ne je vous nous il elle mais ou où plus par mon ma mes"
          " votre vos notre nos cette bonjour merci cordialement s'il j'ai c'est n'est qu'il être avoir fait suis sont été bien du en"
          " très pourquoi quand comment hier aujourd'hui",
    "es": "el la los las de y que en un una es no por con para su se del al lo como más pero sus le ya o este sí porque esta entre cuando"
          " muy sin sobre también me hasta hay hola gracias saludos buenos buenas días usted mi nos favor estoy tengo tiene puede ayer hoy qué",
    "it": "il lo la i gli le di e che è un una non per con del della dei delle in si mi ci da al alla sono ho ha come anche ma più se nel"
          " nella questo questa grazie saluti cordiali buongiorno salve ciao vorrei posso può essere avere mio nostro vostro ieri oggi perché",
    "pt": "o a os as de e que em um uma não é por com para do da dos das no na se mais como mas ao foi seu sua eu você nós está obrigado"
          " obrigada olá bom dia cumprimentos atenciosamente são tem tenho isso este esta também já muito pelo pela quando ontem hoje gostaria",
    "pl": "i w nie na z do to się że jest o jak za od po przez dla co tak ale czy był być są mnie mam proszę dziękuję pozdrawiam dzień dobry"
          " witam mi nam nas może pan pani już tylko oraz przy lub gdy wczoraj dzisiaj dlaczego moje mój bardzo tym tego ten ta",
    "da": "og i at det er en den til på de med han af for ikke der var mig sig men et har om vi min havde ham hun nu over da fra du ud hej"
          " tak venlig hilsen jeg kan skal vil være efter hvor hvad når også mit dit bliver blev deres jer",
    "sv": "och i att det som en på är av för med till den har de inte om ett men var jag sig från vi så kan när nu även hej tack vänliga"
          " hälsningar mitt min mig vill ska där här eller hur vad efter vara blir också er ert denna detta",
}
LETTERS = {
    "nl": "", "de": "ßäöü", "en": "", "fr": "éèêàçùœîôûë", "es": "ñ¿¡áéíóú", "it": "èàòìù", "pt": "ãõçáéêâ", "pl": "łąęśżźćńó",
    "da": "æøå", "sv": "åäö",
}
# fmt: on
SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
OWNERS = Counter(word for words in SMALL_WORDS.values() for word in set(words.split()))
WEIGHTS: dict[str, list[tuple[str, float]]] = {}
for _language, _words in SMALL_WORDS.items():
    for _word in set(_words.split()):
        WEIGHTS.setdefault(_word, []).append((_language, 1 / OWNERS[_word]))


def language_of(text: str) -> str:
    """ISO 639-1 code, '' when there is too little or it is undecided."""
    tokens = [token for token in text[:LOOKED_AT].lower().split() if "@" not in token and "://" not in token]
    plain = " ".join(tokens)
    words = WORD.findall(plain.replace("’", "'"))
    strange = "".join(letter for letter in plain if letter > "\x7f") if not plain.isascii() else ""
    letters = sum(map(len, words))
    for language, pattern in SCRIPTS if strange else ():
        if 3 * len(pattern.findall(strange)) > letters or (language == "ja" and pattern.search(strange)):
            return language
    return _by_words(words, Counter(strange))


def _by_words(words: list[str], strange: Counter[str]) -> str:
    scores = dict.fromkeys(SMALL_WORDS, 0.0)
    for word, count in Counter(words).items():
        for language, weight in WEIGHTS.get(word, ()):
            scores[language] += weight * min(count, 3)
    for language, letters in LETTERS.items():
        seen = sum(strange[letter] for letter in letters) if strange else 0
        scores[language] += 0.25 * min(seen, len(words))
    (second, _), (top, best) = sorted((score, language) for language, score in scores.items())[-2:]
    is_clear = top >= second + FIRST or (top >= MIN_SCORE and top >= LEAD * second)
    return best if is_clear else ""
