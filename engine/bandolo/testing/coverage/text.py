"""What a policy makes of the texts of its sources: which passages a rule quotes, which are declared no rule, which nobody touches.

Built on the quotes of `check.quotes`. A quote marks the first passage that has its words, so a short quote does not mark every repetition;
where a rule and `unencoded` quote the same words, the rule counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from bandolo.check.core import Texts
from bandolo.check.quotes import Accounted, Norm, Passage, Quoted, account, collapsed, passages, places
from bandolo.syntax import ast

State = Literal["rule", "unencoded", "untouched"]
STATES: tuple[State, ...] = ("rule", "unencoded", "untouched")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a text, by offsets, with what quotes it (positions in `DocumentText.quotes`); the stretches follow one another."""

    start: int
    end: int
    state: State
    at: tuple[int, ...]


@dataclass(frozen=True)
class DocumentText:
    """One source. `characters` (blanks left out) and `words` are counted by state; a word counts as its least quoted character."""

    name: str
    title: Texts
    text: str
    quotes: tuple[Quoted, ...]
    segments: tuple[Segment, ...]
    characters: Mapping[State, int]
    words: Mapping[State, int]
    norms: tuple[Accounted, ...]

    def share(self, state: State) -> Fraction:
        """The share of the characters in a state, from 0 to 100."""
        total = sum(self.characters.values())
        return Fraction(100 * self.characters[state], total) if total else Fraction(0)


@dataclass(frozen=True)
class TextCoverage:
    """The sources of a policy whose texts are at hand, and the names of those whose text is not."""

    documents: tuple[DocumentText, ...]
    without_text: tuple[str, ...]

    @property
    def norms(self) -> tuple[int, int]:
        """How many of the listed norms a quote holds, and how many there are."""
        listed = [n for d in self.documents for n in d.norms]
        return sum(bool(n.at) for n in listed), len(listed)

    @property
    def percent(self) -> Fraction:
        """The share of the norms that are accounted for; without a list of norms that of the characters that something quotes."""
        done, total = self.norms
        if not total:
            done = sum(d.characters["rule"] + d.characters["unencoded"] for d in self.documents)
            total = sum(sum(d.characters.values()) for d in self.documents)
        return Fraction(100 * done, total) if total else Fraction(0)


def text_coverage(doc: ast.PolicyDoc, texts: Mapping[str, str], norms: Sequence[Norm]) -> TextCoverage:
    """What the policy makes of each text (by the name of its document), and of the norms that are listed beside it."""
    found = passages(doc, texts)
    accounted = account(doc, norms)
    documents = []
    for written in doc.documents:
        name = written.name.name
        if name in texts:
            own = tuple(a for a in accounted if a.norm.document == name)
            documents.append(_document(name, _title(written), texts[name], found[name], own))
    return TextCoverage(tuple(documents), tuple(d.name.name for d in doc.documents if d.name.name not in texts))


def _title(document: ast.Document) -> Texts:
    it, en = document.title.it, document.title.en
    return Texts(it or en or "", en or it or "")


def _document(name: str, title: Texts, text: str, found: list[Passage], norms: tuple[Accounted, ...]) -> DocumentText:
    plain, where = collapsed(text), places(text)
    at: list[list[int]] = [[] for _ in plain]
    for i, passage in enumerate(found):
        for offset in range(passage.start, passage.end):
            at[offset].append(i)
    states: list[State] = [_state([found[i] for i in quotes]) for quotes in at]
    characters = {s: sum(state == s for state, sign in zip(states, plain, strict=True) if sign != " ") for s in STATES}
    words = dict.fromkeys(STATES, 0)
    for word in re.finditer(r"\S+", plain):
        words[max(states[word.start() : word.end()], key=STATES.index)] += 1
    segments: list[Segment] = []
    starts = [0, *(i for i in range(1, len(plain)) if at[i] != at[i - 1])] if plain else []
    for start, end in zip(starts, [*starts[1:], len(plain)], strict=False):
        begins = 0 if start == 0 else where[start]
        segments.append(Segment(begins, len(text) if end == len(plain) else where[end], states[start], tuple(at[start])))
    return DocumentText(name, title, text, tuple(p.quoted for p in found), tuple(segments), characters, words, norms)


def _state(quotes: list[Passage]) -> State:
    if not quotes:
        return "untouched"
    return "unencoded" if all(p.quoted.kind == "unencoded" for p in quotes) else "rule"
