"""The ranking section with everything chosen: the words that readings choose, and the money there is."""

from __future__ import annotations

from fractions import Fraction

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.watching import evaluation_of
from bandolo.language.values import Fault, Unknown
from bandolo.records import dataclass

DEFAULTS: dict[str, tuple[str, ...]] = {
    "counts": ("admitted",),
    "struck_from": ("every_other",),
    "order": ("in_turn",),
    "recheck": ("all",),
    "when_short": ("stop",),
}


@dataclass(frozen=True, slots=True)
class Options:
    """`recheck` is ("all",) or the requirements that are looked at again after a strike. `budget` is None where no money is given."""

    counts: str
    struck_from: str
    order: str
    recheck: tuple[str, ...]
    when_short: str
    budget: tuple[Fraction, ...] | None
    pots: tuple[str, ...]


def options_of(policy: core.Policy, settled: Settled) -> Options:
    """Everything that must be fixed before applications are ranked.

    Raises PolicyError: `no-ranking`, `ranking-open` for a reading without a choice or an amount that is not known.
    """
    plan = policy.ranking
    if plan is None:
        raise PolicyError([Diagnostic("no-ranking", path="ranking", args={"policy": policy.id})])
    words, found = dict(DEFAULTS), list[Diagnostic]()
    for name, (reading, alternatives) in plan.words_by.items():
        chosen = "" if reading is None else settled.settings.options[reading]
        if isinstance(chosen, str) and chosen in alternatives:
            words[name] = alternatives[chosen]
        else:
            found.append(Diagnostic("ranking-open", path=f"ranking.{name}", args={"what": f"reading.{reading}"}))
    evaluation = evaluation_of(policy, settled.settings, {}, limits.STEPS_BASE)
    amounts = [("budget", plan.budget)] if plan.budget is not None else [(f"budget.pots.{name}", amount) for name, amount, _ in plan.pots]
    money: list[Fraction] = []
    for place, expression in amounts:
        value = evaluation.value(expression, {})
        if isinstance(value, Fraction):
            money.append(value)
        else:
            names = sorted(value.missing) if isinstance(value, Unknown) else [value.code] if isinstance(value, Fault) else [""]
            found += [Diagnostic("ranking-open", path=f"ranking.{place}", args={"what": name}) for name in names]
    if found:
        raise PolicyError(found)
    return Options(
        words["counts"][0], words["struck_from"][0], words["order"][0], words["recheck"], words["when_short"][0],
        tuple(money) if amounts else None, tuple(name for name, _, _ in plan.pots) if plan.budget is None else (),
    )  # fmt: skip
