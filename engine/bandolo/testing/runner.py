"""Running cases: each is decided, and every difference between what is expected and what came is reported at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.data import Plain
from bandolo.evaluate.decision import Decision, ResultValue
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import plain, split_path
from bandolo.language.types import MONEY, OptionalType
from bandolo.language.values import NONE, Fault, Unknown
from bandolo.policy import Policy, load_policy
from bandolo.ranking.entrant import Ranking
from bandolo.testing.cases import BadPath, Case, CaseFile, Mismatch, changed, read_cases
from bandolo.testing.rankings import ranked


@dataclass(frozen=True)
class CaseResult:
    case: Case
    decision: Decision | None
    mismatches: tuple[Mismatch, ...]
    diagnostics: tuple[Diagnostic, ...]
    ranking: Ranking | None = None

    @property
    def passed(self) -> bool:
        return not self.mismatches and not self.diagnostics


def run_file(path: Path) -> tuple[list[CaseResult], list[Diagnostic]]:
    """The results of every case of a file, or why the file or its policy cannot be used."""
    file, diagnostics = read_cases(path)
    if file is None:
        return [], diagnostics
    runner = Runner(file)
    try:
        return [runner.run(case) for case in file.cases], []
    except PolicyError as error:
        return [], list(error.diagnostics)
    except FileNotFoundError as error:
        return [], [Diagnostic("file-not-found", file=str(path), args={"path": str(error.filename)})]


class Runner:
    """Loads each policy once for a file."""

    def __init__(self, file: CaseFile) -> None:
        self.file = file
        self.policies: dict[tuple[str, ...], Policy] = {}

    def policy(self, amendments: tuple[str, ...]) -> Policy:
        if amendments not in self.policies:
            acts = [self.file.path.parent / a for a in amendments]
            self.policies[amendments] = load_policy(self.file.policy, amendments=acts)
        return self.policies[amendments]

    def run(self, case: Case) -> CaseResult:
        policy = self.policy(case.amend)
        if case.rank:
            return self._ranked(policy, case)
        base = self.file.applications[case.like] if case.like is not None else {}
        try:
            application = changed(policy.core, base, case.change)
        except BadPath as bad:
            return CaseResult(case, None, (), (Diagnostic("case-path", case.span, {"path": str(bad)}),))
        try:
            decision = policy.decide(application, as_of=case.as_of, set=case.set, readings=case.readings, assume=case.assume)
        except ApplicationError as error:
            if "error" in case.expect:
                codes = sorted({d.code for d in error.diagnostics})
                return CaseResult(case, None, _differ("error", [str(case.expect["error"])], codes), ())
            return CaseResult(case, None, (), error.diagnostics)
        except PolicyError as error:
            return CaseResult(case, None, (), error.diagnostics)
        misspelt = tuple(_unknown_names(policy, case))
        return CaseResult(case, decision, () if misspelt else tuple(compare(policy, decision, case.expect)), misspelt)

    def _ranked(self, policy: Policy, case: Case) -> CaseResult:
        try:
            ranking, misspelt, mismatches = ranked(policy, self.file, case)
        except BadPath as bad:
            return CaseResult(case, None, (), (Diagnostic("case-path", case.span, {"path": str(bad)}),))
        except (ApplicationError, PolicyError) as error:
            return CaseResult(case, None, (), error.diagnostics)
        return CaseResult(case, None, tuple(mismatches), tuple(misspelt), ranking)


def _unknown_names(policy: Policy, case: Case) -> Iterator[Diagnostic]:
    """A name in `expect` that the policy does not have: a misspelt expectation would hold for ever."""
    names = {
        "failed": (list(case.expect.get("failed", [])), policy.core.requirements),
        "verdicts": (list(case.expect.get("verdicts", {})), policy.core.requirements),
        "message": (list(case.expect.get("message", {})), policy.core.requirements),
        "stages": (list(case.expect.get("stages", {})), [s.name for s in policy.core.stages]),
        "results": (
            [path.rpartition(".")[2] for path, _ in _flat(case.expect.get("results", {}))]
            + [str(n).rpartition(".")[2] for n in case.expect.get("undetermined", [])],
            [r.name for r in policy.core.results],
        ),
    }
    for given, known in names.values():
        for name in given:
            if str(name) not in known:
                yield Diagnostic("case-expectation", case.span, {"name": str(name), "nearest": nearest(str(name), known)})


def compare(policy: Policy, decision: Decision, expect: dict[str, Any]) -> Iterator[Mismatch]:
    """Every difference between an expectation and a decision."""
    for word in ("outcome", "stage"):
        if word in expect:
            yield from _differ(word, str(expect[word]), getattr(decision, word))
    for stage, status in expect.get("stages", {}).items():
        yield from _differ(f"stages.{stage}", str(status), decision.stages.get(stage, "—"))
    if "failed" in expect:
        yield from _differ("failed", sorted(map(str, expect["failed"])), sorted(decision.failed()))
    for word, struck in (("excluded", decision.excluded), ("barred", decision.barred)):
        if word in expect:
            yield from _differ(word, sorted(map(str, expect[word])), sorted(s.key or s.record for s in struck))
    for id_, verdict in expect.get("verdicts", {}).items():
        yield from _verdicts(decision, str(id_), verdict)
    for fact in expect.get("missing", []):
        if str(fact) not in decision.missing:
            yield Mismatch("missing", str(fact), ", ".join(decision.missing) or "—")
    for word in ("pending", "open_readings", "assumed"):
        if word in expect:
            yield from _differ(word, sorted(map(str, expect[word])), sorted(getattr(decision, word)))
    if "faults" in expect:
        yield from _differ("faults", sorted(map(str, expect["faults"])), sorted({f.code for f in decision.faults}))
    for id_, text in expect.get("message", {}).items():
        said = [t for r in decision.requirements if r.id == id_ for t in r.message.values()]
        if str(text) not in said:
            yield Mismatch(f"message.{id_}", str(text), " / ".join(said) or "—")
    if "error" in expect:
        yield Mismatch("error", str(expect["error"]), decision.outcome)
    yield from _results(policy, decision, expect)


def _differ(where: str, expected: Any, got: Any) -> tuple[Mismatch, ...]:
    if expected == got:
        return ()
    return (Mismatch(where, _text(expected), _text(got)),)


def _text(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _verdicts(decision: Decision, id_: str, expected: Any) -> Iterator[Mismatch]:
    by_key = {_key_of(r.subject): r.verdict for r in decision.requirements if r.id == id_}
    if isinstance(expected, dict):
        for key, verdict in expected.items():
            yield from _differ(f"verdicts.{id_}.{key}", str(verdict), by_key.get(str(key), "—"))
    else:
        got = sorted(set(by_key.values()))
        yield from _differ(f"verdicts.{id_}", [str(expected)], got)


def _key_of(subject: str) -> str:
    return split_path(subject)[-1]


def _results(policy: Policy, decision: Decision, expect: dict[str, Any]) -> Iterator[Mismatch]:
    by_path = {(f"{r.record}.{r.name}" if r.record else r.name): r for r in decision.result_values}
    for path, expected in _flat(expect.get("results", {})):
        found = by_path.get(path)
        if found is None:
            known = nearest(path, by_path)
            yield Mismatch(f"results.{path}", str(expected), f"— ({known}?)" if known else "—")
        else:
            yield from _result(policy, path, found, expected)
    for name in expect.get("undetermined", []):
        found = by_path.get(str(name))
        if found is None or not isinstance(found.value, Unknown | Fault):
            yield Mismatch("undetermined", str(name), "—" if found is None else str(plain(found.value, found.type)))


def _flat(results: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`{partners: {IT1: {grant: 1}}}` and `{"partners[IT1].grant": 1}` alike."""
    if not isinstance(results, dict):
        return
    for name, value in results.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, dict):
                    yield from _flat(inner, f"{prefix}{name}[{key}].")
                else:
                    yield f"{prefix}{name}.{key}", inner
        else:
            yield prefix + name, value


def _result(policy: Policy, path: str, found: ResultValue, expected: Any) -> Iterator[Mismatch]:
    type_ = found.type.of if isinstance(found.type, OptionalType) else found.type
    got = "unknown" if isinstance(found.value, Unknown) else "fault" if isinstance(found.value, Fault) else plain(found.value, type_)
    if isinstance(expected, Plain) and expected in ("unknown", "none"):
        same = isinstance(found.value, Unknown) if expected == "unknown" else found.value is NONE
        if not same:
            yield Mismatch(f"results.{path}", expected, str(got))
        return
    try:
        wanted = read_value(expected, type_, policy.core.conventions)
    except BadValue as bad:
        yield Mismatch(f"results.{path}", f"{expected} ({bad.code})", str(got))
        return
    if wanted != found.value:
        unit = f" {policy.core.conventions.currency}" if type_ == MONEY else ""
        yield Mismatch(f"results.{path}", str(plain(wanted, type_)) + unit, f"{got}{unit}")
