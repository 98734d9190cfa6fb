"""Alike: words that begin like what was typed, with a slip of the finger or two, out of some thousand. No database."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from postvak.mail.words import folded_words

MOST_COMPARED = 200


def slips_allowed(word: str) -> int:
    """Short words must be right: else everything is alike."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def slips(typed: str, word: str) -> int:
    """How many letters must be changed, added, left out or swapped until `word` begins with `typed`."""
    before: list[int] = []
    last = list(range(len(word) + 1))
    for i, letter in enumerate(typed, 1):
        row = [i]
        for j, other in enumerate(word, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == word[j - 2] and typed[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return min(last)


class Alike:
    """Entries that are found by their words, by number of the entry."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.entries: defaultdict[str, list[int]] = defaultdict(list)
        self.by_trigram: defaultdict[str, list[str]] = defaultdict(list)
        for number, text in enumerate(texts):
            for word in dict.fromkeys(folded_words(text)):
                self.entries[word].append(number)
        for word in self.entries:
            for trigram in trigrams(word):
                self.by_trigram[trigram].append(word)

    def find(self, typed: str) -> list[tuple[int, int]]:
        """(slips, entry) of the entries that have all typed words, fewest slips first."""
        best: dict[int, int] | None = None
        for word in folded_words(typed):
            found = self.entries_alike(word)
            best = found if best is None else {n: best[n] + found[n] for n in best.keys() & found.keys()}
        return sorted((count, number) for number, count in (best or {}).items())

    def entries_alike(self, typed: str) -> dict[int, int]:
        """Slips are only looked for when no word begins as typed."""
        begins = [word for word in self.starting_like(typed) if word.startswith(typed)]
        if begins or not slips_allowed(typed):
            return {number: 0 for word in begins for number in self.entries[word]}
        found: dict[int, int] = {}
        for word in self.candidates(typed):
            count = slips(typed, word)
            if count <= slips_allowed(typed):
                for number in self.entries[word]:
                    found[number] = min(count, found.get(number, count))
        return found

    def starting_like(self, typed: str) -> Iterable[str]:
        """Words with the same two letters first; all while fewer are typed."""
        return self.by_trigram.get(f"^{typed[:2]}", ()) if len(typed) > 1 else self.entries

    def candidates(self, typed: str) -> list[str]:
        """The words with most trigrams in common; two swapped letters spoil four."""
        wanted = trigrams(typed)
        shared = Counter(word for trigram in wanted for word in self.by_trigram.get(trigram, ()))
        least = max(1, len(wanted) - 4 * slips_allowed(typed))
        return [word for word, count in shared.most_common(MOST_COMPARED) if count >= least]


def trigrams(word: str) -> set[str]:
    padded = f"^{word}"
    return {padded[place : place + 3] for place in range(len(padded) - 2)}
