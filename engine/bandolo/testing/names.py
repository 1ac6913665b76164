"""Names in an expectation that stand for nothing: a misspelt expectation would hold for ever and prove nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.render import catalogue
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.wire import split_path
from bandolo.source import Span
from bandolo.syntax.yaml_tree import Scalar, walk
from bandolo.testing.cases import Case
from bandolo.testing.changes import record_paths
from bandolo.testing.compare import LANGUAGES, flat, key_of

OF_RANKING = ("ranking", "order", "left", "provisional", "settled", "ties")
VERDICTS = ("met", "failed", "unknown", "not_applicable")
STATUSES = ("passed", "failed", "suspended", "undetermined", "referred", "barred", "not_started")
SHOWN = 8


def misspelt(case: Case, name: Any, known: Iterable[str], *keys: str, also: Iterable[str] = ()) -> Iterator[Diagnostic]:
    """A diagnostic at the place of a name in `expect`, unless it is one of those that may stand there, or a less usual one (`also`)."""
    names = list(dict.fromkeys(known))
    if str(name) not in (*names, *also):
        some = ", ".join(f"`{n}`" for n in names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
        args = {"name": str(name), "nearest": nearest(str(name), names), "known": some or "—"}
        yield Diagnostic("case-expectation", _place(case, str(name), ("expect", *keys)), args)


def _place(case: Case, name: str, keys: tuple[str, ...]) -> Span:
    """Where a name stands: the key itself, or an item or word in its value."""
    found = case.written.get(keys)
    if found is not None and found.key.value != name:
        return next((n.span for n in walk(found.tree) if isinstance(n, Scalar) and n.value == name), found.key.span)
    return case.place(*keys)


def unknown_names(policy: core.Policy, case: Case, application: Any, decision: Decision) -> Iterator[Diagnostic]:
    """Names of requirements, stages, results, records, facts, parameters, readings and words that do not exist. Code `case-expectation`."""
    expect = case.expect
    stages = [s.name for s in policy.stages]
    for word in (w for w in expect if w in OF_RANKING):
        yield from misspelt(case, word, ("outcome", "failed", "verdicts", "results"), word)
    for name in [expect[w] for w in ("stage",) if w in expect]:
        yield from misspelt(case, name, stages, "stage")
    for name, status in expect.get("stages", {}).items():
        yield from misspelt(case, name, stages, "stages", name)
        yield from misspelt(case, status, STATUSES, "stages", name)
    for name in expect.get("failed", ()):
        yield from misspelt(case, name, policy.requirements, "failed")
    yield from _of_requirements(policy, case, decision)
    paths = record_paths(policy, application)
    keys = [split_path(path)[-1] for path in paths]
    for word in ("excluded", "barred"):
        for name in expect.get(word, ()):
            yield from misspelt(case, name, [k for k in keys if not k.isdigit()] or paths, word, also=[*keys, *paths])
    for inner, path, _ in flat(expect.get("results", {})):
        yield from _result(policy, case, path, paths, "results", *inner)
    for name in expect.get("undetermined", ()):
        yield from _result(policy, case, str(name), paths, "undetermined")
    for name in expect.get("missing", ()):
        yield from _fact(policy, case, str(name), paths)
    for word, known in (("pending", policy.parameters), ("assumed", policy.parameters), ("open_readings", policy.readings)):
        for name in expect.get(word, ()):
            yield from misspelt(case, name, known, word)
    yield from _codes(case)


def unknown_error(case: Case) -> Iterator[Diagnostic]:
    """The code of `error`, where there is no such code."""
    if "error" in case.expect:
        yield from misspelt(case, case.expect["error"], catalogue(), "error")


def _codes(case: Case) -> Iterator[Diagnostic]:
    for code in case.expect.get("faults", ()):
        yield from misspelt(case, code, catalogue(), "faults")
    yield from unknown_error(case)


def _of_requirements(policy: core.Policy, case: Case, decision: Decision) -> Iterator[Diagnostic]:
    for word in ("verdicts", "message"):
        for id_, inner in case.expect.get(word, {}).items():
            wrong = list(misspelt(case, id_, policy.requirements, word, id_))
            yield from wrong
            by_record = isinstance(inner, dict) and (word == "verdicts" or not set(inner) <= LANGUAGES)
            if not wrong and by_record:
                subjects = [key_of(r.subject) for r in decision.requirements if r.id == id_]
                for key in inner:
                    yield from misspelt(case, key, subjects, word, id_, key)
            if word == "verdicts" and not wrong:
                for key, verdict in inner.items() if by_record else ((None, inner),):
                    yield from misspelt(case, verdict, VERDICTS, word, id_, *([key] if key is not None else []))
            if word == "message" and by_record and not wrong:
                for key, text in inner.items():
                    for lang in text if isinstance(text, dict) else ():
                        yield from misspelt(case, lang, sorted(LANGUAGES), word, id_, key, lang)


def _result(policy: core.Policy, case: Case, path: str, paths: list[str], *keys: str) -> Iterator[Diagnostic]:
    """A result must be one that the policy gives, of a record that the application has."""
    owner, _, name = path.rpartition(".")
    entity = _entity(policy, owner)
    results = [r.name for r in policy.results if entity is None or r.entity == entity]
    wrong = list(misspelt(case, name, results, *keys))
    yield from wrong
    if owner and not wrong:
        yield from misspelt(case, owner, paths, *keys)


def _fact(policy: core.Policy, case: Case, path: str, paths: list[str]) -> Iterator[Diagnostic]:
    """A missing fact: `size`, `partners[IT1].size`, `active_site at payment`; or the clock."""
    if path == "as_of":
        return
    fact, _, stage = path.partition(" at ")
    owner, _, name = fact.rpartition(".")
    if owner:
        yield from misspelt(case, owner, paths, "missing")
    entity = _entity(policy, owner)
    yield from misspelt(case, name, policy.entities[entity].facts if entity is not None else (), "missing")
    if stage:
        yield from misspelt(case, stage, [s.name for s in policy.stages], "missing")


def _entity(policy: core.Policy, owner: str) -> str | None:
    """The kind of record that a path leads to, None if it leads nowhere."""
    entity: str | None = policy.root
    for part in split_path(owner)[::2] if owner else ():
        entity = next((e.name for e in policy.entities.values() if e.owner == entity and e.listed_in == part), None)
    return entity
