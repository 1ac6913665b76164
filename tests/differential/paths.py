"""Every way of deciding, each behind one small adapter: a policy and applications in, decisions in a comparable form out.

An adapter is a `Path`. `decide` takes a `Batch` (a loaded policy, the settings of a what-if, applications, and what the reference says of
each) and gives a `Found`: for each application what this path says and what it should say, both in the path's own form, or None where the
path was not asked (the application has no place in its tables) or left it to the engine. To add a path is to write a function and to list
it in `PATHS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.data import read_json
from bandolo.evaluate.decision import Decision
from bandolo.policy import Policy
from differential.applications import Maker, json_text
from differential.batches import Batch, Found, Path, answerable, decided, guarded, whole
from differential.tables import by_columns, columnar, spark, tabled
from differential.views import duckdb, postgres


def reference(batch: Batch) -> Found:
    """The reference itself: it gives a decision or says what is wrong with the data, and nothing else."""
    return Found({i: (said, "a decision") for i, said in enumerate(batch.reference) if isinstance(said, str)})


def compiled(batch: Batch) -> Found:
    """The policy's program: the decision as a whole, and as read in other ways."""
    found = Found()
    for i, application, reference in answerable(batch):
        said = guarded(lambda a=application: decided(batch.policy, a, "compiled", batch.what_if))  # type: ignore[misc]
        if isinstance(reference, Decision) and not isinstance(said, str | list):
            text = guarded(lambda d=said: whole(d))  # type: ignore[misc]
            same = said == reference and said.results == reference.results and said.failed() == reference.failed()
            same = same and _verdicts(said) == _verdicts(reference)
            found.pairs[i] = (text if same else text + " ", batch.texts[i])
        else:
            found.pairs[i] = (guarded(lambda d=said: whole(d)), batch.texts[i])  # type: ignore[misc]
    return found


def _verdicts(decision: Decision) -> list[tuple[str, list[tuple[str, str]]]]:
    """The verdicts, in their order."""
    return [(subject, list(verdicts.items())) for subject, verdicts in decision.verdicts.items()]


def by_json(batch: Batch) -> Found:
    """From the bytes of an application to those of a decision."""
    if batch.what_if:
        return Found(refused="decide_json takes no what-if")
    found = Found()
    for i, application, reference in answerable(batch):
        text = json_text(application)
        if isinstance(reference, list):
            data, diagnostics = read_json(text, "")
            wanted: Any = [(d.code, str(d.path)) for d in diagnostics] or whole(decided(batch.policy, data, "reference", {}))
        else:
            wanted = batch.texts[i]
        found.pairs[i] = (guarded(lambda t=text: _answered(batch.policy, t)), wanted)  # type: ignore[misc]
    return found


def _answered(policy: Policy, text: str) -> Any:
    try:
        return policy.decide_json(text.encode()).decode()
    except ApplicationError as error:
        return [(d.code, str(d.path)) for d in error.diagnostics]


PATHS: dict[str, Path] = {
    "reference": reference, "compiled": compiled, "json": by_json, "columnar": columnar, "duckdb": duckdb, "postgres": postgres,
    "spark": spark,
}  # fmt: skip
EVERYWHERE = ("reference", "compiled", "json", "columnar", "duckdb")
"""What runs wherever pip installs: the paths of the tests in `make test`."""


def available(path: str) -> str:
    """What is missing for a path on this machine; empty if nothing is."""
    if path == "postgres":
        from postgres import missing

        return ", ".join(missing())
    if path == "spark":
        from bandolo.batch.spark import NotRun

        try:
            from bandolo.batch.spark.session import required

            required("local[1]")
        except NotRun as problem:
            return str(problem)
    return ""


# Which policies a path decides by itself.


def hands_over(path: str, what_if: Mapping[str, Any]) -> Callable[[Policy], Any]:
    """Whether a path hands over every application of a policy, as far as a dozen sound ones tell; the places it cannot say, if it tells."""

    def refuses(policy: Policy) -> Any:
        if path in DIALECTS:
            from bandolo.sql.view import view
            from bandolo.surfaces.sql import settled_by

            made = guarded(lambda: view(policy.core, settled_by(policy, **what_if), DIALECTS[path]))
            return [d.span for d in made[1]] if not isinstance(made, str) and made[0] is None else False
        maker = Maker(policy.core, policy.settled, "fitting", missing=0, bad=0, far=0)
        table, kept = tabled(Batch(policy, [maker.application(n) for n in range(12)], what_if), False)
        # What breaks is not handed over: it is to be seen.
        return not kept or guarded(lambda: by_columns(policy, table, what_if)) == 0

    return refuses


DIALECTS = {"duckdb": "duckdb", "postgres": "postgres"}
"""The paths that read the view of `bandolo sql`, with its dialect."""


def whole_settings(policy: Policy) -> dict[str, Any]:
    """A what-if that leaves nothing open that can be settled: for paths that decide only what is settled."""
    readings = {n: next(iter(r.options)) for n, r in policy.core.readings.items() if r.chosen is None}
    return {"as_of": "2023-06-15", "assume": True, **({"readings": readings} if readings else {})}


def settings(policy: Policy, number: int) -> dict[str, Any]:
    """The what-if of a policy's number: none, a clock, or all kinds at once."""
    match number % 3:
        case 0:
            return {}
        case 1:
            return {"as_of": ("2023-06-15", "2024-02-29 12:00")[number % 2]}
    readings = {n: list(r.options)[number % len(r.options)] for n, r in policy.core.readings.items()}
    return {"assume": True, "readings": readings}
