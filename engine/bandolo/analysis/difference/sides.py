"""What the comparing of every section needs: both policies, what is called how in the other, and the list of changes as it grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bandolo.analysis.difference.canonical import paired
from bandolo.analysis.difference.change import Change, Group, Kind, Side
from bandolo.analysis.difference.deltas import Deltas
from bandolo.analysis.difference.depends import Dependence, Thing, label
from bandolo.analysis.difference.places import written
from bandolo.analysis.difference.renames import Entry, renamed
from bandolo.analysis.difference.words import Teller, plain, told, words
from bandolo.check import core
from bandolo.check.core import Texts
from bandolo.check.policy import check
from bandolo.diagnostics import errors
from bandolo.policy import Policy
from bandolo.syntax import ast

T = TypeVar("T")
LONG = 120
"""Two sides that are longer together are shown one below the other only."""


@dataclass(frozen=True, slots=True)
class At:
    """An entry that changes: its group, where it stands and stood, what it is called, what it is in the graph of dependence, its words."""

    group: Group
    path: str
    was: str
    title: Texts
    things: tuple[Thing, ...] = ()
    old: core.Words | None = None
    new: core.Words | None = None


class Sides:
    """Both policies. `kept` is the new one with the old one's rate tables and formulas: what differs from that an entry says itself."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self.old, self.new = old.core, new.core
        self.old_tree, self.new_tree = old.loaded.tree, new.loaded.tree
        assert old.loaded.document is not None
        assert new.loaded.document is not None
        self.old_document, self.new_document = old.loaded.document, new.loaded.document
        kept = _with_tables_of(self.old_document, self.new_document)
        self.kept = kept or self.new
        self.texts_decide = kept is None
        """The new rules do not go with the old tables: an entry written as before is then taken to say the same."""
        self.names: dict[Entry, str] = renamed(self.old, self.kept)
        self.canonical = paired(self.old, self.kept, self.names)
        self.deltas = Deltas(*self.canonical)
        self.tell_old, self.tell_new = Teller(self.old), Teller(self.new)
        self.on_old, self.on_new = Dependence(self.old, self.old_document), Dependence(self.new, self.new_document)
        self.changes: list[Change] = []

    # Pairs.

    def name(self, kind: str, entity: str, name: str) -> str:
        """What an old entry is called in the new policy."""
        return self.names.get((kind, entity, name), name)

    def pairs(self, kind: str, entity: str, old: Mapping[str, T], new: Mapping[str, T]) -> Iterator[tuple[str, T | None, T | None]]:
        """Each entry once with its new name, on both sides where it is on both, in the order of the new policy, what is gone last."""
        back = {self.name(kind, entity, name): name for name in old}
        for name, item in new.items():
            yield name, old.get(back.get(name, name)) if name in back else None, item
        for name, item in old.items():
            if self.name(kind, entity, name) not in new:
                yield name, item, None

    # Changes.

    def at(self, group: Group, kind: str, entity: str, path: str, old: core.Words | None, new: core.Words | None, *things: Thing) -> At:
        """The place of an entry that is on both sides, or on one; that it is called otherwise is told once, apart from its meaning."""
        section, _, name = path.rpartition(".")
        before = next((o for (k, e, o), n in self.names.items() if (k, e, n) == (kind, entity, name)), name)
        at = At(group, path, f"{section}.{before}" if section else path, called(old, new, name), things, old, new)
        if before != name:
            self.add(replace(at, group="words"), "renamed", "", words("was_called", before), plain(before), plain(name))
        return at

    def add(self, at: At, kind: Kind, part: str, said: Texts, before: Texts | None = None, after: Texts | None = None) -> None:
        """One change of the key `part` of an entry; `before` and `after` are its sides in words, None where there is none."""
        inner = f".{part}" if part else ""
        old_side = Side(before, written(self.old_tree, at.was + inner)) if before is not None else None
        new_side = Side(after, written(self.new_tree, at.path + inner)) if after is not None else None
        affects = (self.on_old if kind == "removed" else self.on_new).on(*at.things)
        quotes = _quotes(at.old), _quotes(at.new)
        self.changes.append(Change(at.group, kind, at.path, part, at.title, said, old_side, new_side, affects, *quotes))

    def whole(self, at: At, said: Texts) -> None:
        """An entry that is only on one side: the new one, if it has words there."""
        if at.new is not None:
            self.add(at, "added", "", words("new", said), after=said)
        else:
            self.add(at, "removed", "", words("gone", said), before=said)

    def formula(
        self, at: At, part: str, old: core.Expr | None, new: core.Expr | None, key: str = "", shown: core.Expr | None = None
    ) -> None:
        """A change of an expression, if it is one. `key` names the phrase that says which; `shown` is how the new policy has it."""
        if old is not None and new is not None:
            places = self.deltas.between(old, new)
            if not places:
                return
            said = told(self.tell_old, self.tell_new, places)
        elif old is None and new is None:
            return
        else:
            said = words("from_to", self.tell_old.formula(old), self.tell_new.formula(new))
        before, after = self.tell_old.formula(old), self.tell_new.formula(shown or new)
        self.add(at, "changed", part, words(key, said) if key else said, before, after)

    def from_to(self, at: At, part: str, key: str, old: Texts, new: Texts) -> None:
        """A change from one thing to another, both in words; long ones are not said twice."""
        long = len(old.en) + len(new.en) > LONG
        self.add(at, "changed", part, words(key, words("altered") if long else words("from_to", old, new)), old, new)


def called(old: core.Words | None, new: core.Words | None, name: str) -> Texts:
    """What an entry is called: by its new label, else by its old one, else by its name."""
    return label(new if new is not None and (new.label is not None or old is None) else old or core.Words(), name)


def _quotes(said: core.Words | None) -> tuple[tuple[str, str], ...]:
    return tuple((s.document, s.quote) for s in said.sources) if said is not None else ()


def _with_tables_of(old: ast.PolicyDoc, new: ast.PolicyDoc) -> core.Policy | None:
    """The new policy with the rate tables and formulas of the old one where it has them; None where these do not go together."""
    if old.rates == new.rates and old.formulas == new.formulas:
        return None if old.choices != new.choices else check(new, None)[0]
    rates, formulas = {r.name.name: r for r in old.rates}, {f.name.name: f for f in old.formulas}
    kept = replace(
        new,
        rates=tuple(rates.get(r.name.name, r) for r in new.rates),
        formulas=tuple(formulas.get(f.name.name, f) for f in new.formulas),
    )
    policy, found = check(kept, None)
    return policy if not errors(found) else None
