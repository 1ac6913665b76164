"""One meaning: twenty generated policies by two hundred applications each, by every path that pip installs, and what was found before.

`make differential` does the same at length, and in PostgreSQL and Spark too; what it finds is kept in `tests/disagreements`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bandolo.policy import Policy
from differential.applications import Maker
from differential.batches import Batch, decided, whole
from differential.constructs import held, wanted
from differential.cut import names, stored
from differential.keep import kept, read
from differential.paths import EVERYWHERE, PATHS, settings, whole_settings
from differential.policies import loaded, sound

SEED = 6
POLICIES = 20
APPLICATIONS = 200


def batch_of(policy: Policy, number: int, what_if: Mapping[str, Any]) -> Batch:
    maker = Maker(policy.core, policy.settled, f"{SEED}/{number}")
    return Batch(policy, [maker.application(n) for n in range(APPLICATIONS)], what_if)


@pytest.mark.parametrize("number", range(POLICIES))
def test_every_path_decides_as_the_reference(number: int) -> None:
    _, policy = sound(SEED, number)
    batch = batch_of(policy, number, settings(policy, number))
    for name in EVERYWHERE:
        found = PATHS[name](batch)
        assert [(i, *found.pairs[i]) for i in found.different[:1]] == [], name


@pytest.mark.parametrize("name", names())
def test_what_a_path_says_itself_is_what_the_reference_says(name: str) -> None:
    """Policies without the rules for which a path would hand over the whole of them."""
    path, _, number = name.partition("_")
    policy = loaded(stored(name))
    assert policy is not None
    found = PATHS[path](batch_of(policy, int(number), whole_settings(policy)))
    assert [(i, *found.pairs[i]) for i in found.different[:1]] == []
    assert found.left < APPLICATIONS or found.refused, "a path that decides nothing compares nothing"


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

        def said(application: dict[str, Any], policy: Policy = policy) -> Any:
            return whole(decided(policy, application, "compiled", {}))

        expected = Batch(policy, applications).texts
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(said, applications * 3)) == expected * 3


@pytest.mark.parametrize("name", kept())
@pytest.mark.parametrize("path", EVERYWHERE)
def test_what_was_found_before_does_not_come_back(name: str, path: str) -> None:
    case = read(name)
    found = PATHS[path](Batch(case.policy, case.applications, case.what_if))
    assert [found.pairs[i] for i in found.different] == []
