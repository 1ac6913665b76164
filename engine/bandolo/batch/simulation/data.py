"""A simulation as a table with a row a variant, and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from bandolo.batch.simulation.ranked import STATUSES, Ranked
from bandolo.batch.simulation.simulate import Simulation, Variant
from bandolo.check import core
from bandolo.evaluate.wire import plain
from bandolo.language.types import MONEY
from bandolo.language.values import Duration, Value
from bandolo.version import __version__

FORMAT = "1"
"""The version of the JSON form; it changes when a reader of the old form could be misled."""


def main_amount(policy: core.Policy, names: Sequence[str]) -> str | None:
    """What the ranking awards, where that is a result; else the first amount among the results."""
    award = policy.ranking.award if policy.ranking is not None else None
    if isinstance(award, core.Computed) and award.name in names:
        return award.name
    return names[0] if names else None


def keys_of(simulation: Simulation) -> list[tuple[str, str]]:
    """The outcomes with their stages that occur in any variant."""
    return sorted({key for v in simulation.variants for key in v.outcomes})


def moves_of(simulation: Simulation) -> list[tuple[str, str]]:
    """The changes of outcome that occur in any variant."""
    return sorted({key for v in simulation.variants for key in v.changes})


def by_outcome(variant: Variant) -> dict[str, int]:
    """The applications of a variant by outcome, whatever the stage."""
    found: dict[str, int] = {}
    for (outcome, _), count in variant.outcomes.items():
        found[outcome] = found.get(outcome, 0) + count
    return found


def value_text(simulation: Simulation, at: int, value: Value | None) -> str | None:
    """A varied value as a policy spells it; None where the path stays as it is."""
    return None if value is None else str(plain(value, simulation.axes[at].type))


def table(simulation: Simulation) -> pa.Table:
    """One row a variant, the policy as it is first; columns depend on the policy, on what is varied and on what occurs."""
    variants = simulation.variants
    columns: dict[str, pa.Array] = {
        "variant": pa.array(range(len(variants)), pa.int32()),
        "as_it_is": pa.array([v.is_base for v in variants]),
    }
    for i, axis in enumerate(simulation.axes):
        columns[axis.path] = pa.array([value_text(simulation, i, v.values[i]) for v in variants], pa.string())
    columns["applications"] = pa.array([v.applications for v in variants], pa.int64())
    outcomes = sorted({o for o, _ in keys_of(simulation)} | {"admitted", "rejected"})
    for outcome in outcomes:
        columns[f"outcome.{outcome}"] = pa.array([by_outcome(v).get(outcome, 0) for v in variants], pa.int64())
    if len(simulation.policy.core.stages) > 1:
        for outcome, stage in keys_of(simulation):
            if stage:
                columns[f"outcome.{outcome}.{stage}"] = pa.array([v.outcomes.get((outcome, stage), 0) for v in variants], pa.int64())
    columns["changed"] = pa.array([sum(v.changes.values()) for v in variants], pa.int64())
    for old, new in moves_of(simulation):
        columns[f"changed.{old}.{new}"] = pa.array([v.changes.get((old, new), 0) for v in variants], pa.int64())
    for name in simulation.base.amounts:
        sums = [v.amounts[name] for v in variants]
        columns[f"sum.{name}"] = _money(sums)
        columns[f"difference.{name}"] = _money([s - sums[0] for s in sums])
        if any(v.unknown[name] for v in variants):
            columns[f"unknown.{name}"] = pa.array([v.unknown[name] for v in variants], pa.int64())
    return pa.table(columns | _ranked(variants))


def _ranked(variants: Sequence[Variant]) -> dict[str, pa.Array]:
    """The columns of the ranking, where there is one."""
    found = [None if v.ranked is None or v.ranked.refused else v.ranked for v in variants]
    if not any(found):
        return {}
    columns = {f"rank.{s}": pa.array([None if r is None else r.statuses.get(s, 0) for r in found], pa.int64()) for s in STATUSES}
    columns["rank.struck"] = pa.array([None if r is None else r.struck for r in found], pa.int64())
    for name in ("budget", "spent", "left"):
        columns[f"rank.{name}"] = _money([None if r is None else getattr(r, name) for r in found])
    columns["rank.last_position"] = pa.array([None if r is None else r.last_position for r in found], pa.int64())
    columns["rank.last_keys"] = pa.array([None if r is None else last_keys(r) for r in found], pa.list_(pa.string()))
    columns["rank.provisional"] = pa.array([None if r is None else r.provisional for r in found], pa.bool_())
    return columns


def last_keys(ranked: Ranked) -> list[str | None]:
    """What the last financed application is ordered by, as a policy spells it; none as None."""
    made: list[str | None] = []
    for value, type_ in zip(ranked.last_keys, ranked.key_types, strict=False):
        if value is None:
            made.append(None)
        elif isinstance(value, tuple):
            made.append(str(plain(Duration(*value), type_)))
        else:
            made.append(str(plain(Fraction(value) if isinstance(value, int) else value, type_)))
    return made


def _money(amounts: Sequence[Fraction | None]) -> pa.Array:
    return pa.array([None if a is None else decimal(a) for a in amounts], pa.decimal128(38, 2))


def decimal(amount: Fraction) -> Decimal:
    """An amount of whole cents."""
    return Decimal(f"{int(amount * 100)}e-2")


def as_data(simulation: Simulation) -> dict[str, Any]:
    """The published form. Amounts are texts, exact to the cent; a difference is a variant's sum less that of the policy as it is."""
    policy = simulation.source
    return {
        "bandolo": __version__,
        "format": FORMAT,
        "policy": {"id": policy.id, "amendments": list(policy.amendments)},
        "made_up": None if simulation.made_up is None else {"applications": simulation.made_up[0], "seed": simulation.made_up[1]},
        "varied": [
            {"path": a.path, "type": str(a.type), "values": [value_text(simulation, i, v) for v in a.values]}
            for i, a in enumerate(simulation.axes)
        ],
        "one_at_a_time": simulation.one_at_a_time,
        "applications": simulation.base.applications,
        "one_by_one": {"applications": max(v.by_rows for v in simulation.variants), "why": dict(simulation.why)},
        "variants": [_variant(simulation, v) for v in simulation.variants],
    }


def _variant(simulation: Simulation, variant: Variant) -> dict[str, Any]:
    return {
        "values": {a.path: value_text(simulation, i, v) for i, (a, v) in enumerate(zip(simulation.axes, variant.values, strict=True))},
        "as_it_is": variant.is_base,
        "outcomes": [{"outcome": o, "stage": s or None, "applications": n} for (o, s), n in variant.outcomes.items()],
        "changes": [{"old": old, "new": new, "applications": n} for (old, new), n in variant.changes.items()],
        "amounts": {
            name: {
                "sum": plain(amount, MONEY),
                "difference": plain(amount - simulation.base.amounts[name], MONEY),
                "unknown": variant.unknown[name],
            }
            for name, amount in variant.amounts.items()
        },
        "errors": dict(variant.errors),
        "ranking": None if variant.ranked is None or variant.ranked.refused else _ranking(variant.ranked),
    }


def _ranking(ranked: Ranked) -> dict[str, Any]:
    money = {n: None if (a := getattr(ranked, n)) is None else plain(a, MONEY) for n in ("budget", "spent", "left")}
    return {
        "statuses": {s: ranked.statuses.get(s, 0) for s in STATUSES},
        **money,
        "struck": ranked.struck,
        "last": None if ranked.last_position is None else {"position": ranked.last_position, "keys": last_keys(ranked)},
        "provisional": ranked.provisional,
    }
