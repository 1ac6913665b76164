"""A decision held against what a case expects: every difference, with what would stand in the case if what came were accepted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from difflib import SequenceMatcher
from fractions import Fraction
from typing import Any

from bandolo.evaluate.data import Plain
from bandolo.evaluate.decision import Decision, RequirementResult, ResultValue
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import plain, split_path
from bandolo.language.types import MONEY, OptionalType, Type
from bandolo.language.values import NONE, Fault, ListValue, Unknown, Value
from bandolo.policy import Policy
from bandolo.testing.cases import DROP, Mismatch

LANGUAGES = {"it", "en"}
NOTHING = "—"


def compare(policy: Policy, decision: Decision, expect: dict[str, Any]) -> Iterator[Mismatch]:
    """Every difference between an expectation and a decision."""
    for word in ("outcome", "stage"):
        if word in expect:
            yield from differ((word,), str(expect[word]), getattr(decision, word))
    for stage, status in expect.get("stages", {}).items():
        yield from differ(("stages", stage), str(status), decision.stages[str(stage)])
    if "failed" in expect:
        yield from differ(("failed",), sorted(map(str, expect["failed"])), sorted(decision.failed()))
    for word, struck in (("excluded", decision.excluded), ("barred", decision.barred)):
        if word in expect:
            yield from differ((word,), sorted(map(str, expect[word])), sorted(s.key or s.record for s in struck))
    for id_, verdict in expect.get("verdicts", {}).items():
        yield from _verdicts(decision, str(id_), verdict)
    yield from _among("missing", expect, decision.missing)
    for word in ("pending", "open_readings", "assumed"):
        if word in expect:
            yield from differ((word,), sorted(map(str, expect[word])), sorted(getattr(decision, word)))
    if "faults" in expect:
        yield from differ(("faults",), sorted(map(str, expect["faults"])), sorted({f.code for f in decision.faults}))
    for id_, text in expect.get("message", {}).items():
        yield from _messages([r for r in decision.requirements if r.id == id_], ("message", str(id_)), text)
    if "error" in expect:
        yield Mismatch("error", str(expect["error"]), decision.outcome, ("error",), {"outcome": decision.outcome})
    yield from _results(policy, decision, expect)


def refused(expect: dict[str, Any], codes: list[str]) -> Iterator[Mismatch]:
    """Every difference between an expectation and the codes for which the data was refused."""
    wanted = str(expect["error"])
    if [wanted] != codes:
        yield Mismatch("error", wanted, shown(codes), ("error",), Plain(codes[0]) if len(codes) == 1 else None)
    for word in (w for w in expect if w != "error"):
        yield Mismatch(word, shown(expect[word]), NOTHING, (word,), DROP)


def differ(keys: tuple[str, ...], expected: Any, got: Any) -> Iterator[Mismatch]:
    """The difference, if there is one; words and lists of words."""
    if expected != got:
        accepted = [str(g) for g in got] if isinstance(got, list) else Plain(got)
        yield Mismatch(".".join(keys), shown(expected), shown(got), keys, accepted)


def shown(value: Any) -> str:
    """Data of an expectation in a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(map(shown, value)) + "]" if isinstance(value, list | tuple) else str(value)


def _among(word: str, expect: dict[str, Any], got: tuple[str, ...]) -> Iterator[Mismatch]:
    """Each of a list of names must be among those that came; an empty list says that none came. Accepted: those that did, or else all."""
    wanted = [str(name) for name in expect.get(word, ())]
    if word in expect and not wanted:
        yield from differ((word,), wanted, list(got))
    kept = [name for name in wanted if name in got]
    for name in (n for n in wanted if n not in got):
        yield Mismatch(word, name, shown(got) if got else NOTHING, (word,), (kept or list(got)) or DROP)


def _verdicts(decision: Decision, id_: str, expected: Any) -> Iterator[Mismatch]:
    by_key = {key_of(r.subject): r.verdict for r in decision.requirements if r.id == id_}
    if isinstance(expected, dict):
        for key, verdict in expected.items():
            yield from differ(("verdicts", id_, str(key)), str(verdict), by_key[str(key)])
        return
    got = sorted(set(by_key.values()))
    if got != [str(expected)]:
        several = got[0] if len(got) == 1 else shown(got) if got else NOTHING
        accepted = DROP if not got else Plain(got[0]) if len(got) == 1 else {k: Plain(v) for k, v in by_key.items()}
        yield Mismatch(f"verdicts.{id_}", str(expected), several, ("verdicts", id_), accepted)


def key_of(subject: str) -> str:
    """What a case calls a record: its key or position; the root by its entity."""
    return split_path(subject)[-1]


def _messages(results: list[RequirementResult], keys: tuple[str, ...], expected: Any) -> Iterator[Mismatch]:
    """One text in whichever language, a text by language, or either by record."""
    if isinstance(expected, dict) and not set(expected) <= LANGUAGES:
        for key, inner in expected.items():
            yield from _messages([r for r in results if key_of(r.subject) == str(key)], (*keys, str(key)), inner)
        return
    if isinstance(expected, dict):
        for lang, text in expected.items():
            said = [r.message[lang] for r in results if lang in r.message]
            yield from _said(said, (*keys, lang), str(text))
        return
    yield from _said([text for r in results for text in r.message.values()], keys, str(expected))


def _said(said: list[str], keys: tuple[str, ...], expected: str) -> Iterator[Mismatch]:
    if expected not in said:
        # The nearest is in the language, and of the record, that the case speaks of.
        near = max(said, key=lambda text: SequenceMatcher(None, expected, text).ratio(), default=None)
        yield Mismatch(".".join(keys), expected, " / ".join(dict.fromkeys(said)) or NOTHING, keys, DROP if near is None else near)


def _results(policy: Policy, decision: Decision, expect: dict[str, Any]) -> Iterator[Mismatch]:
    by_path = results_by_path(decision)
    for keys, path, expected in flat(expect.get("results", {})):
        found = by_path.get(path)
        if found is None:
            yield Mismatch(f"results.{path}", str(expected), NOTHING, ("results", *keys), DROP)
        else:
            yield from _result(policy, ("results", *keys), path, found, expected)
    wanted = [str(name) for name in expect.get("undetermined", [])]
    open_ = [n for n, found in by_path.items() if isinstance(found.value, Unknown | Fault)]
    for name in (n for n in wanted if n not in open_):
        found = by_path.get(name)
        got = NOTHING if found is None else str(plain(found.value, found.type))
        accepted = [n for n in wanted if n in open_] or open_ or DROP
        yield Mismatch("undetermined", name, got, ("undetermined",), accepted)


def results_by_path(decision: Decision) -> dict[str, ResultValue]:
    """The results of a decision by their paths: `grant`, `partners[IT1].grant`."""
    return {(f"{r.record}.{r.name}" if r.record else r.name): r for r in decision.result_values}


def flat(results: Any, prefix: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """`{partners: {IT1: {grant: 1}}}` and `{"partners[IT1].grant": 1}` alike: the keys of each, its path, its value."""
    if not isinstance(results, dict):
        return
    for name, value in results.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, dict):
                    yield from flat(inner, f"{prefix}{name}[{key}].", (*above, name, key))
                else:
                    yield (*above, name, key), f"{prefix}{name}.{key}", inner
        else:
            yield (*above, name), prefix + name, value


def _result(policy: Policy, keys: tuple[str, ...], path: str, found: ResultValue, expected: Any) -> Iterator[Mismatch]:
    type_ = found.type.of if isinstance(found.type, OptionalType) else found.type
    currency = policy.core.conventions.currency
    got = "unknown" if isinstance(found.value, Unknown) else "fault" if isinstance(found.value, Fault) else str(plain(found.value, type_))
    accepted = spelt(found.value, type_, currency)
    unit = f" {currency}" if type_ == MONEY and isinstance(found.value, Fraction) else ""
    if isinstance(expected, Plain) and expected in ("unknown", "none"):
        same = isinstance(found.value, Unknown) if expected == "unknown" else found.value is NONE
        if not same:
            yield Mismatch(f"results.{path}", expected, f"{got}{unit}", keys, accepted)
        return
    try:
        wanted = read_value(expected, type_, policy.core.conventions)
    except BadValue as bad:
        yield Mismatch(f"results.{path}", f"{expected} ({bad.code})", f"{got}{unit}", keys, accepted)
        return
    if wanted != found.value:
        text = f"{plain(wanted, type_)} {currency}" if type_ == MONEY else str(plain(wanted, type_))
        yield Mismatch(f"results.{path}", text, f"{got}{unit}", keys, accepted)


def spelt(value: Value, type_: Type, currency: str) -> Any:
    """A value as a case file spells it: a `Plain` word, a text, or a list of such; None where it has no spelling."""
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    match value:
        case bool():
            return Plain(str(value).lower())
        case Fraction() if type_ == MONEY:
            whole, _, cents = str(plain(value, type_)).partition(".")
            grouped = f"{int(whole):_}" if whole.lstrip("-").isdigit() and abs(int(whole)) >= 10_000 else whole
            return Plain(f"{grouped}.{cents} {currency}" if cents.strip("0") else f"{grouped} {currency}")
        case datetime():
            return Plain(value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M"))
        case str():
            return value
        case Unknown():
            return Plain("unknown")
        case Fault():
            return None
        case ListValue(members=members):
            return [spelt(m.value, getattr(type_, "item", type_), currency) for m in members]
    return Plain("none") if value is NONE else Plain(str(plain(value, type_)))
