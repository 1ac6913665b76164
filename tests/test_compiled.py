"""A policy's program decides as the reference does: on every case, on generated policies, with facts missing and computations that fail."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from generated import Generated, generated
from hypothesis import given, settings

from bandolo.diagnostics import ApplicationError
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.testing.cases import BadPath, CaseFile, changed, read_cases

ROOT = Path(__file__).resolve().parents[1]
CASE_FILES = sorted([*(ROOT / "policies").glob("*.cases.yaml"), *(ROOT / "tests" / "policies").glob("*.cases.yaml")])


def decided(policy: Policy, application: Any, engine: Any, **options: Any) -> Any:
    """The decision, or the codes for which the data is refused."""
    try:
        return policy.decide(application, engine=engine, **options)
    except ApplicationError as error:
        return [(d.code, d.path) for d in error.diagnostics]


@cache
def read(path: Path) -> CaseFile:
    file, diagnostics = read_cases(path)
    assert file is not None, diagnostics
    return file


@pytest.mark.parametrize("path", CASE_FILES, ids=lambda p: p.name)
def test_every_case_is_decided_as_by_the_reference(path: Path) -> None:
    file = read(path)
    policies: dict[tuple[str, ...], Policy] = {}
    for case in file.cases[::3]:
        if case.rank:
            continue
        if case.amend not in policies:
            policies[case.amend] = load_policy(file.policy, amendments=[path.parent / a for a in case.amend])
        policy = policies[case.amend]
        try:
            application = changed(policy.core, file.applications[case.like] if case.like is not None else {}, case.change)
        except BadPath:
            continue
        options: dict[str, Any] = {"as_of": case.as_of, "set": case.set, "readings": case.readings, "assume": case.assume}
        reference = decided(policy, application, "reference", **options)
        assert decided(policy, application, "compiled", **options) == reference, case.name


@settings(max_examples=60, deadline=None)
@given(generated())
def test_generated_policies_are_decided_as_by_the_reference(made: Generated) -> None:
    policy = policy_from_bytes("generated.yaml", made.text())
    assert decided(policy, made.application, "compiled") == decided(policy, made.application, "reference")
