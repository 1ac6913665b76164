"""The applications that a search begins with: those of the case files beside a policy, and those that the cases make of them."""

from __future__ import annotations

from pathlib import Path

from bandolo.analysis.boundaries.found import Base
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.testing.cases import BadPath, changed, read_cases

SPARE = 150
"""How many cases are taken as further bases."""


def bases_beside(path: Path, policy: core.Policy) -> tuple[list[Base], list[Base], str | None, list[Diagnostic]]:
    """Bases, spare bases, the date as of which the cases decide, and what is wrong with the case files.

    The applications of the `*.cases.yaml` files beside a policy that are cases of it; as spare ones what their cases make of them, but
    for those that change the policy itself.
    """
    bases: dict[str, Base] = {}
    spare: dict[str, Base] = {}
    as_of: str | None = None
    found: list[Diagnostic] = []
    # The file that is called as the policy comes first: its applications are those that people know.
    files = sorted(path.parent.glob("*.cases.yaml"), key=lambda f: (f.name != f"{path.stem}.cases.yaml", f.name))
    for file in files:
        try:
            cases, diagnostics = read_cases(file)
        except OSError:
            continue
        if cases is None:
            found += diagnostics if file.name.startswith(path.stem) else []
            continue
        if cases.policy.resolve() != path.resolve():
            continue
        for name, data in cases.applications.items():
            bases.setdefault(name, Base(name, data, file.name))
        for case in cases.cases:
            as_of = as_of or case.as_of
            if case.rank or case.readings or case.set or case.amend or case.like is None or "error" in case.expect or len(spare) >= SPARE:
                continue
            try:
                spare.setdefault(case.name, Base(case.name, changed(policy, cases.applications[case.like], case.change), file.name))
            except BadPath:
                continue
    return list(bases.values()), [b for b in spare.values() if b.name not in bases], as_of, found
