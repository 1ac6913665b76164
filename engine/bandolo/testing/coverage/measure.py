"""Running the cases of a policy under watch, in several processes, and holding what they saw against the obligations."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.watching import watching
from bandolo.policy import Policy, load_policy
from bandolo.source import SourceFile, Span, read_bytes
from bandolo.syntax import ast
from bandolo.testing.cases import Case, read_cases
from bandolo.testing.coverage.obligations import KINDS, Kind, Obligation, Survey, reach_of, survey
from bandolo.testing.coverage.watching import Watch
from bandolo.testing.runner import CaseResult, Runner

ALONE = 24
"""So few cases are run at once in this process: starting others would take longer."""

NAMED = 3
"""So many cases are named for an obligation."""


@dataclass(frozen=True, slots=True)
class Met:
    """An obligation, the questions of it that no case asks, and the first cases that look at it (with how many there are)."""

    obligation: Obligation
    open: tuple[core.Texts, ...]
    cases: tuple[str, ...]
    count: int
    because: str | None = None
    """Why it does not count, as declared beside the policy."""

    @property
    def state(self) -> str:
        """`covered`, `partly`, `uncovered`; `impossible` or `declared` where it does not count."""
        if not self.open:
            return "covered"
        if self.obligation.impossible is not None:
            return "impossible"
        if self.because is not None:
            return "declared"
        return "partly" if len(self.open) < len(self.obligation.needs) else "uncovered"

    @property
    def counts(self) -> bool:
        return self.state in ("covered", "partly", "uncovered")


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that does not hold, or cannot be run: what it looks at is counted all the same."""

    path: str
    line: int
    name: str
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Coverage:
    """What the cases of one policy look at."""

    path: str
    policy: Policy
    met: tuple[Met, ...]
    files: tuple[str, ...]
    cases: int
    failures: tuple[Failure, ...]
    diagnostics: tuple[Diagnostic, ...]

    def figures(self, kind: Kind | None = None) -> tuple[int, int]:
        """How many obligations of a kind (of all) are met, and how many count."""
        chosen = [m for m in self.met if m.counts and kind in (None, m.obligation.kind)]
        return sum(m.state == "covered" for m in chosen), len(chosen)

    def kinds(self) -> list[Kind]:
        """The kinds of which there is something to look at."""
        return [kind for kind in KINDS if self.figures(kind)[1]]

    @property
    def percent(self) -> Fraction:
        """The share that is met, from 0 to 100; 100 where there is nothing to look at."""
        done, total = self.figures()
        return Fraction(100 * done, total) if total else Fraction(100)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one process found: the cases (by number) that see each point, what amended texts add, what went wrong."""

    points: dict[str, set[int]]
    added: tuple[tuple[tuple[str, ...], tuple[Obligation, ...]], ...]
    failures: tuple[tuple[int, Failure], ...]
    diagnostics: tuple[Diagnostic, ...]


def case_files(policy: Path) -> list[Path]:
    """The case files beside a policy that are its own (`cases_of`), in order; those that cannot be read are among them."""
    found = []
    for path in sorted(policy.parent.glob("*.cases.yaml")):
        file, diagnostics = read_cases(path)
        if (file is None and diagnostics and path.name.startswith(f"{policy.stem}.")) or (file is not None and _same(file.policy, policy)):
            found.append(path)
    return found


def _same(a: Path, b: Path) -> bool:
    try:
        return a.resolve() == b.resolve()
    except OSError:
        return False


def measure(path: Path, jobs: int = 1, progress: Callable[[int, int], None] = lambda done, total: None) -> Coverage:
    """The coverage of a policy by the cases beside it. `progress` is told how many parts of the work are done.

    Raises PolicyError if the policy has errors, OSError if it cannot be read. Codes: those of reading cases, `coverage-columns`,
    `coverage-unknown`, `coverage-reached`.
    """
    policy = load_policy(path)
    files: list[Path] = []
    cases: list[Case] = []
    diagnostics: list[Diagnostic] = []
    first: dict[str, int] = {}
    for file in case_files(path):
        read, said = read_cases(file)
        diagnostics += said
        files.append(file)
        first[str(file)] = len(cases)
        cases += read.cases if read is not None else ()
    parts = max(1, min(jobs, len(cases) // ALONE))
    work = [(str(f), first[str(f)], i, parts) for f in files for i in range(parts)]
    seen = list(_run(work, jobs if parts > 1 else 1, progress))
    points: dict[str, set[int]] = {}
    for found in seen:
        for point, numbers in found.points.items():
            points.setdefault(point, set()).update(numbers)
        diagnostics += found.diagnostics
    obligations = _joined(survey(policy.core, policy.loaded.document).obligations, seen)
    declared, said = _declared(path)
    met = tuple(_met(o, points, cases, declared) for o in obligations)
    diagnostics += said + _stale(met, declared)
    failures = tuple(f for _, f in sorted((pair for found in seen for pair in found.failures), key=lambda pair: pair[0]))
    unique = {(d.code, d.place): d for d in diagnostics}
    return Coverage(str(path), policy, met, tuple(map(str, files)), len(cases), failures, tuple(unique.values()))


def _run(work: list[tuple[str, int, int, int]], jobs: int, progress: Callable[[int, int], None]) -> Iterator[_Seen]:
    if jobs <= 1:
        for done, part in enumerate(work, 1):
            yield _seen(*part)
            progress(done, len(work))
        return
    # Not a fork: whoever calls may have threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_seen, *part) for part in work]
        for done, _ in enumerate(as_completed(waiting), 1):
            progress(done, len(work))
        yield from (w.result() for w in waiting)


def _seen(path: str, first: int, part: int, parts: int) -> _Seen:
    """What every `parts`-th case of a file sees. Case numbers count from `first`."""
    file, _ = read_cases(Path(path))
    if file is None:
        return _Seen({}, (), (), ())
    runner = Runner(file)
    surveys: dict[int, Survey] = {}

    def survey_of(policy: core.Policy) -> Survey:
        if id(policy) not in surveys:
            surveys[id(policy)] = survey(policy, _document(runner, policy))
        return surveys[id(policy)]

    watch = Watch(survey_of)
    failures: list[tuple[int, Failure]] = []
    for number, case in list(enumerate(file.cases, first))[part::parts]:
        result = _watched(runner, watch, case, number)
        if isinstance(result, Diagnostic):
            return _Seen(watch.seen, (), tuple(failures), (result,))
        if not result.passed:
            failures.append((number, Failure(path, case.span.line, case.name, result.diagnostics)))
    added = tuple((acts, (*_reaches(p), *survey_of(p.core).obligations)) for acts, p in sorted(runner.policies.items()) if acts)
    return _Seen(watch.seen, added, tuple(failures), ())


def _watched(runner: Runner, watch: Watch, case: Case, number: int) -> CaseResult | Diagnostic:
    try:
        acts = runner.policy(case.amend).loaded.amendments
        watch.begin(number, tuple(act.id for act in acts if act.applies_to is not None))
        with watching(watch):
            result = runner.run(case)
    except PolicyError as error:
        # An act that cannot be used: the case says so, the others go on.
        return CaseResult(case, None, (), error.diagnostics)
    except OSError as error:
        return Diagnostic("file-not-found", file=str(runner.file.path), args={"path": str(error.filename)})
    if result.ranking is not None:
        watch.ranked(runner.policy(case.amend).core, result.ranking)
    return result


def _reaches(policy: Policy) -> Iterator[Obligation]:
    return (found for act in policy.loaded.amendments if (found := reach_of(act)) is not None)


def _document(runner: Runner, policy: core.Policy) -> ast.PolicyDoc | None:
    """The text that a policy was made from; of one without some of its acts, that of the policy as a whole."""
    loaded = list(runner.policies.values())
    own = next((p for p in loaded if p.core is policy), None) or next(iter(loaded), None)
    return own.loaded.document if own is not None else None


def _joined(base: list[Obligation], seen: list[_Seen]) -> list[Obligation]:
    """The obligations of the policy as issued, then what the acts that cases use add to them."""
    obligations = list(base)
    known = {o.needs for o in base}
    ids = {o.id for o in base}
    for acts, found in sorted((pair for s in seen for pair in s.added), key=lambda pair: pair[0]):
        for one in found:
            if one.needs not in known:
                known.add(one.needs)
                id_ = one.id if one.id not in ids else f"{one.id}@{Path(acts[-1]).name}"
                ids.add(id_)
                obligations.append(replace(one, id=id_))
    return obligations


def _met(obligation: Obligation, points: dict[str, set[int]], cases: list[Case], declared: dict[str, tuple[str, Span]]) -> Met:
    open_ = tuple(q for need, q in zip(obligation.needs, obligation.questions, strict=True) if need not in points)
    numbers = sorted(set().union(*(points.get(need, set()) for need in obligation.needs)))
    # Of each thing that must be seen the first case, then the others.
    firsts = dict.fromkeys(min(points[need]) for need in obligation.needs if need in points)
    names = tuple(cases[n].name for n in list(dict.fromkeys([*firsts, *numbers]))[:NAMED])
    because = declared.get(obligation.id)
    return Met(obligation, open_, names, len(numbers), None if because is None else because[0])


def declared_beside(policy: Path) -> Path:
    """The file that may declare what no case can reach: `call.coverage.csv` beside `call.yaml`, with the columns `id` and `because`."""
    return policy.with_suffix(".coverage.csv")


def _declared(policy: Path) -> tuple[dict[str, tuple[str, Span]], list[Diagnostic]]:
    path = declared_beside(policy)
    if not path.is_file():
        return {}, []
    source = SourceFile(str(path), read_bytes(path, limits.SOURCE_BYTES).decode("utf-8-sig", "replace"))
    rows = csv.DictReader(source.text.splitlines(keepends=True))
    try:
        if not {"id", "because"} <= set(rows.fieldnames or ()):
            return {}, [Diagnostic("coverage-columns", Span(source, 0, len(source.line(1))))]
        found = {}
        for row in rows:
            start = source.line_starts[rows.line_num - 1]
            if (row["id"] or "").strip() and (row["because"] or "").strip():
                found[row["id"].strip()] = (row["because"].strip(), Span(source, start, start + len(source.line(rows.line_num))))
        return found, []
    except csv.Error:
        return {}, [Diagnostic("coverage-columns", Span(source, 0, len(source.line(1))))]


def _stale(met: tuple[Met, ...], declared: dict[str, tuple[str, Span]]) -> list[Diagnostic]:
    """A declaration of what is not there, or of what a case reaches after all."""
    by_id = {m.obligation.id: m for m in met}
    found = []
    for id_, (_, span) in declared.items():
        if id_ not in by_id:
            found.append(Diagnostic("coverage-unknown", span, {"id": id_, "nearest": nearest(id_, by_id)}))
        elif by_id[id_].state == "covered":
            found.append(Diagnostic("coverage-reached", span, {"id": id_, "case": by_id[id_].cases[0]}))
    return found
