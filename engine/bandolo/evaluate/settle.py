"""Before any application: parameters get their values, readings their options, and what must hold of them is checked.

The result is the same for every application, so it is worked out once when a policy is loaded, and once more for each what-if.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from bandolo.check import core
from bandolo.diagnostics import Diagnostic, Label
from bandolo.evaluate.reference import Evaluation, Settings
from bandolo.language.values import Fault, Unknown, Value, is_known
from bandolo.language.wording import Shown
from bandolo.records import dataclass, field

AS_OF_UNKNOWN = Unknown(frozenset({"as_of"}))


@dataclass(frozen=True)
class Changes:
    """A what-if: parameters set, readings chosen, pending parameters assumed. Everything in it is listed in the decision."""

    set: dict[str, Value] = field(default_factory=dict)
    readings: dict[str, str] = field(default_factory=dict)
    assume: frozenset[str] | bool = False

    def assumes(self, name: str) -> bool:
        return self.assume if isinstance(self.assume, bool) else name in self.assume


@dataclass(frozen=True, slots=True)
class Settled:
    """The settings of a policy, and which of them are assumed, pending or open."""

    settings: Settings
    assumed: tuple[str, ...]
    pending: tuple[str, ...]
    open_readings: tuple[str, ...]
    ranges: dict[tuple[str, str], tuple[Value | None, Value | None]]


def settle(policy: core.Policy, changes: Changes, as_of: Value) -> tuple[Settled, list[Diagnostic]]:
    """The settings under some changes. Codes: `must-be-broken`, `constant-fault`, `bands-order`, `no-version-in-force`."""
    options: dict[str, Value] = {}
    for name, reading in policy.readings.items():
        chosen = changes.readings.get(name, reading.chosen)
        options[name] = chosen if chosen is not None else Unknown(frozenset({f"reading.{name}"}))
    direction: Value = policy.conventions.money_rounding
    if policy.money_rounding_by is not None:
        reading_name, words = policy.money_rounding_by
        option = options[reading_name]
        direction = words[option] if isinstance(option, str) else option
    settings = Settings({}, {}, options, as_of, direction)
    diagnostics: list[Diagnostic] = []
    assumed: list[str] = []
    constants = Evaluation(policy, settings, {}, 1_000_000)
    for name in _in_order(policy):
        parameter = policy.parameters[name]
        if name in changes.set:
            settings.parameters[name] = changes.set[name]
            if parameter.versions:
                settings.versions[name] = ((None, None, changes.set[name]),)
            continue
        settings.versions[name] = tuple((v.start, v.end, constants.value(v.value, {})) for v in parameter.versions)
        if parameter.value is not None:
            value = constants.value(parameter.value, {})
        elif parameter.assume is not None and changes.assumes(name):
            value = constants.value(parameter.assume, {})
            assumed.append(name)
        else:
            value = Unknown(frozenset({f"parameter.{name}"}))
        settings.parameters[name] = value
        diagnostics += [
            Diagnostic("constant-fault", v.span, {"fault": v.code})
            for v in (value, *(x for _, _, x in settings.versions[name])) if isinstance(v, Fault)
        ]  # fmt: skip
    diagnostics += _broken(policy, constants, changes)
    diagnostics += _bands(policy, constants)
    ranges = {
        (entity.name, fact.name): tuple(None if b is None else constants.value(b, {}) for b in (fact.low, fact.high))
        for entity in policy.entities.values() for fact in entity.facts.values()
    }  # fmt: skip
    for entity, name in (k for k, (low, high) in ranges.items() if _above(low, high)):
        fact = policy.entities[entity].facts[name]
        diagnostics.append(Diagnostic("range-order", fact.span, {"name": name}))
    pending = tuple(n for n, v in settings.parameters.items() if isinstance(v, Unknown) and not policy.parameters[n].versions)
    open_readings = tuple(n for n, v in options.items() if isinstance(v, Unknown))
    return Settled(settings, tuple(assumed), pending, open_readings, ranges), diagnostics  # type: ignore[arg-type]


def _above(low: Value | None, high: Value | None) -> bool:
    return low is not None and high is not None and is_known(low) and is_known(high) and low > high  # type: ignore[operator]


def _in_order(policy: core.Policy) -> list[str]:
    """Parameters after those that their values mention (the checker has refused loops)."""
    needs: dict[str, list[str]] = {}
    for name, parameter in policy.parameters.items():
        parts = [parameter.value, parameter.assume, *(v.value for v in parameter.versions)]
        needs[name] = [n.name for p in parts if p is not None for n in core.walk(p) if isinstance(n, core.Parameter)]
    ordered: dict[str, None] = {}
    for name in needs:
        stack = [name]
        while stack:
            left = [n for n in needs[stack[-1]] if n not in ordered and n not in stack]
            if left:
                stack.append(left[0])
            else:
                ordered[stack.pop()] = None
    return list(ordered)


def _broken(policy: core.Policy, constants: Evaluation, changes: Changes) -> Iterable[Diagnostic]:
    units = policy.conventions.currency, policy.conventions.time_zone
    for name, parameter in policy.parameters.items():
        if parameter.must_be is None:
            continue
        held = constants.value(parameter.must_be, {})
        if held is False:
            written = parameter.value or parameter.assume or parameter.must_be
            args = {
                "name": name,
                "must_be": parameter.must_be.span.text,
                "value": Shown(constants.settings.parameters[name], parameter.type, *units),
            }
            if name in changes.set:
                yield Diagnostic("must-be-broken", path=f"set.{name}", args=args)
                continue
            yield Diagnostic("must-be-broken", written.span, args, (Label(parameter.must_be.span, "must-be"),))


def _bands(policy: core.Policy, constants: Evaluation) -> Iterable[Diagnostic]:
    for node, _ in policy.brackets:
        previous: Fraction | None = None
        for step in node.steps:
            to = constants.value(step.to, {}) if step.to is not None else None
            if isinstance(to, Fraction) and step.to is not None:
                if previous is not None and to <= previous:
                    yield Diagnostic("bands-order", step.to.span)
                previous = to
