"""What a program makes of lists of which something is not known: a value in them, whether it belongs to them, or the list itself."""

from __future__ import annotations

from itertools import repeat
from typing import Any

from bandolo.plan.unknowns import Gap, Loose, both, made, one, opposite, together

SURE = repeat(True)
"""Of every member of a list that is known."""


def members(listed: Any) -> tuple[list[Any], Any]:
    """The values of a list that is there, and for each whether it is sure to belong to it."""
    return (listed, SURE) if listed.__class__ is list else (listed.values, listed.sures)


def shrunk(listed: Gap) -> Gap:
    """A list that is not there, after some of its members may have been left out: it may be empty."""
    return Gap(listed.missing, 0, listed.high)


def unlisted(listed: Gap) -> Gap:
    """Values of each member of a list that is not there."""
    return Gap(listed.missing)


def listing(values: list[Any], sures: list[Any]) -> Any:
    return values if sures.count(True) == len(sures) and Gap not in map(type, values) else Loose(values, sures)


def joined_lists(found: list[tuple[Any, Any]]) -> Any:
    """The members of inner lists together, each with whether its owner is sure; unknown where one of them is not there."""
    if any(inner.__class__ is Gap for inner, _ in found):
        return together(*(part for inner, sure in found if inner.__class__ is Gap for part in (inner, sure)))
    values: list[Any] = []
    sures: list[Any] = []
    for inner, sure in found:
        for value, within in zip(*members(inner), strict=False):
            belongs = both(sure, within)
            values.append(value)
            sures.append(belongs)
    return listing(values, sures)


def count(listed: Any) -> Any:
    if listed.__class__ is list:
        return len(listed)
    if listed.__class__ is Gap:
        return made(listed.missing, listed.low, listed.high, listed.risky)
    missing, risky, sure = 0, False, 0
    for belongs in listed.sures:
        if belongs is True:
            sure += 1
        else:
            missing |= belongs.missing
            risky = risky or belongs.risky
    return made(missing, sure, len(listed.sures), risky) if missing or sure != len(listed.sures) else sure


def total(listed: Any) -> Any:
    """The sum of a list of whole numbers."""
    if listed.__class__ is list:
        return sum(listed)
    if listed.__class__ is Gap:
        return Gap(listed.missing, None, None, listed.risky)
    missing, risky = 0, False
    low: Any = 0
    high: Any = 0
    for value, sure in zip(listed.values, listed.sures, strict=True):
        if value.__class__ is Gap:
            missing |= value.missing
            risky = risky or value.risky
            below, above = value.low, value.high
        else:
            below = above = value
        if sure is not True:  # it adds itself or nothing
            missing |= sure.missing
            risky = risky or sure.risky
            below = None if below is None else min(below, 0)
            above = None if above is None else max(above, 0)
        low = None if low is None or below is None else low + below
        high = None if high is None or above is None else high + above
    return made(missing, low, high, risky)


def _at_risk(listed: Loose) -> Gap | None:
    """Memberships that may turn out to have no result: the whole is then one, whatever its other members are."""
    risky = [sure for sure in listed.sures if sure is not True and sure.risky]
    return together(*risky) if risky else None


def any_of(listed: Any) -> Any:
    """Whether there is one, or one that holds."""
    if listed.__class__ is list:
        return bool(listed) if not listed or listed[0].__class__ is not bool else True in listed
    if listed.__class__ is Gap:
        return together(listed)
    at_risk = _at_risk(listed)
    if at_risk is not None:
        return at_risk
    missing, risky, open_ = 0, False, False
    for value, sure in zip(listed.values, listed.sures, strict=True):
        if value is False:
            continue
        if sure is True and value.__class__ is not Gap:
            return True
        open_ = True
        for part in (value, sure):
            if part.__class__ is Gap:
                missing |= part.missing
                risky = risky or part.risky
    return Gap(missing, None, None, risky) if open_ else False


def all_of(listed: Any) -> Any:
    """Whether each holds."""
    if listed.__class__ is list:
        return False not in listed
    if listed.__class__ is Gap:
        return together(listed)
    found = any_of(Loose([opposite(v) for v in listed.values], listed.sures))
    at_risk = _at_risk(listed)
    return at_risk if at_risk is not None else opposite(found)


def contained(item: Any, listed: Any) -> Any:
    """Whether a text, a truth, a choice or a record is among the values of a list, one of which is not known or it itself."""
    if listed.__class__ is Gap or (item.__class__ is Gap and item.risky):
        return together(item, listed) if listed.__class__ is Gap else together(item)
    if listed.__class__ is Loose:
        at_risk = _at_risk(listed)
        if at_risk is not None:
            return at_risk
    found: Any = False
    for value, sure in zip(*members(listed), strict=False):
        same = together(item, value) if item.__class__ is Gap or value.__class__ is Gap else item == value
        found = one(found, both(sure, same))
        if found is True:
            return True
    return found
