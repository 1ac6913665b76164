"""One meaning: twenty generated policies by two hundred applications each, decided by every path that pip installs, and what was found before.

`make differential` does the same at length, and in PostgreSQL and Spark too; what it finds is kept in `tests/disagreements`.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from bandolo.evaluate.decision import Decision
from differential.applications import Maker
from differential.constructs import held, wanted
from differential.fit import fitted
from differential.keep import kept, read
from differential.paths import PATHS, Batch, decided, hands_over, settings, whole_settings
from differential.policies import loaded, sound

SEED = 6
POLICIES = 20
APPLICATIONS = 200
OWN = ("columnar", "duckdb")
"""Paths that hand a whole policy over for one rule: they are also given policies cut down to what they can say."""


def batch_of(policy: object, number: int, what_if: object) -> Batch:
    maker = Maker(policy.core, policy.settled, f"{SEED}/{number}")  # type: ignore[attr-defined]
    return Batch(policy, [maker.application(n) for n in range(APPLICATIONS)], what_if)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", range(POLICIES))
def test_every_path_decides_as_the_reference(number: int) -> None:
    data, policy = sound(SEED, number)
    batch = batch_of(policy, number, settings(policy, number))
    for name, path in PATHS.items():
        found = path(batch)
        assert [(i, *found.pairs[i]) for i in found.different[:1]] == [], name


@pytest.mark.parametrize("number", range(POLICIES))
@pytest.mark.parametrize("name", OWN)
def test_what_a_path_says_itself_is_what_the_reference_says(name: str, number: int) -> None:
    data, policy = sound(SEED, number, small=True)
    what_if = whole_settings(policy)
    cut = fitted(data, hands_over(name, what_if))
    assert cut is not None
    policy = loaded(cut)
    found = PATHS[name](batch_of(policy, number, what_if))
    assert [(i, *found.pairs[i]) for i in found.different[:1]] == []
    assert found.left < APPLICATIONS


def test_all_that_the_language_has_is_generated() -> None:
    """A row that is added to the table of operations, a node or a key of a policy is wanted here without another word."""
    found: Counter[str] = Counter()
    for number in range(3 * POLICIES):
        data, policy = sound(SEED, number)
        found.update(held(policy, data))
    assert wanted() - set(found) == set()


def test_threads_that_share_a_policy_decide_as_one() -> None:
    for number in (0, 1):
        _, policy = sound(SEED, number)
        maker = Maker(policy.core, policy.settled, "threads")
        applications = [maker.application(n) for n in range(40)]

        def said(application: object, policy: object = policy) -> object:
            decision = decided(policy, application, "compiled", {})  # type: ignore[arg-type]
            return decision.to_json() if isinstance(decision, Decision) else decision

        alone = [decided(policy, a, "reference", {}) for a in applications]
        expected = [d.to_json() if isinstance(d, Decision) else d for d in alone]
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(said, applications * 3)) == expected * 3


@pytest.mark.parametrize("name", kept())
@pytest.mark.parametrize("path", PATHS)
def test_what_was_found_before_does_not_come_back(name: str, path: str) -> None:
    case = read(name)
    found = PATHS[path](Batch(case.policy, [case.application], case.what_if))
    assert [found.pairs[i] for i in found.different] == []
