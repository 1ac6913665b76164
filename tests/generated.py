"""Small generated policies and applications, for the laws that hold of every policy.

Every fact has a small domain, so that all completions of an application can be tried. Expressions are made of what the language has:
and, or, not, comparisons, arithmetic, tables, bands, lists, choices, readings; divisions may fail and faults are wanted.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Draw = st.DrawFn

ROOT_DOMAINS: dict[str, list[Any]] = {
    "p": [True, False],
    "q": [True, False],
    "m": [0, 1, 2],
    "n": [-1, 0, 3],
    "c": ["red", "blue"],
    "o": [None, 0, 2],
    "cash": ["0", "0.05", "10.01"],
    "day": ["2023-01-30", "2023-03-31"],
}
FIRM_DOMAINS: dict[str, list[Any]] = {"ok": [True, False], "k": [0, 1, 2], "s": ["red", "blue"]}
ENTITIES = {
    "project": {
        "facts": {
            "id": {"type": "text", "key": "true"},
            "p": "boolean",
            "q": "boolean",
            "m": {"type": "integer", "from": "0", "to": "2"},
            "n": {"type": "number", "from": "-1", "to": "3"},
            "c": "colour",
            "o": {"type": "integer", "optional": "true", "from": "0", "to": "2"},
            "cash": {"type": "money", "from": "0 EUR", "to": "20 EUR"},
            "day": {"type": "date", "from": "2023-01-01", "to": "2023-12-31"},
            "firms": {"type": "list of firm", "at_most": "3"},
        }
    },
    "firm": {
        "facts": {"id": {"type": "text", "key": "true"}, "ok": "boolean", "k": {"type": "integer", "from": "0", "to": "2"}, "s": "colour"}
    },
}
TABLES = {
    "choices": {"colour": ["red", "blue"]},
    "parameters": {"t": "1", "dated": {"versions": [{"until": "2023-02-28", "value": "1"}, {"from": "2023-03-01", "value": "2"}]}},
    "rates": {"table": {"by": "colour", "values": {"red": "50%", "blue": "15%"}}},
    "bands": {
        "ladder": {"of": "number", "steps": [{"to": "0", "value": "1"}, {"to": "1", "value": "0"}], "above": "2"},
        "slices": {"of": "number", "steps": [{"to": "1", "rate": "50%"}], "above": "10%"},
    },
    "readings": {"view": {"question": "q", "options": {"wide": "w", "narrow": "n"}}},
    "formulas": {"twice": {"takes": {"x": "number"}, "value": "x + x"}},
}


Pick = Callable[[Sequence[Any]], Any]
"""One of several, as hypothesis chooses."""


@dataclass(frozen=True)
class Place:
    """What an expression may speak of: conditions and numbers ready made, and the lists that it may go through."""

    conditions: tuple[str, ...]
    numbers: tuple[str, ...]
    lists: tuple[str, ...] = ()


FIRM = Place(("ok", "ok", "s = red", "s in [red, blue]", "project.p", "project.c = s"), ("k", "k", "project.m", "table[s]"))
CONDITIONS = (
    "p",
    "q",
    "p",
    "q",
    "c = red",
    "cash > 0.05 EUR",
    "day <= 2023-02-28",
    "(o is not none and o > 0)",
    "(o is none or o = 2)",
    "reading.view = wide",
    "count(firms) > 1",
    "day + 1 month > 2023-03-01",
)
NUMBERS = (
    "m",
    "n",
    "m",
    "n",
    "table[c]",
    "dated at day",
    "cash / 5 EUR",
    "month(day)",
    "days_between(2023-01-30, day)",
    "(if o is none then 1 else o)",
)
PROJECT = Place(CONDITIONS, NUMBERS, ("firms", "firms where admitted"))
EARLY = Place(CONDITIONS, NUMBERS, ("firms",))
"""What the opening of a stage may look at: nothing that depends on who is admitted."""


def condition(pick: Pick, place: Place, depth: int = 2) -> str:
    kinds = ["fact", "compare", "compare"]
    if depth:
        kinds += ["not", "and", "or", "if", "between", "in", *(["any", "all", "where"] if place.lists else [])]
    kind = pick(kinds)
    if kind == "fact":
        return str(pick(place.conditions))
    if kind in ("compare", "between", "in"):
        first, second = number(pick, place, depth - 1), number(pick, place, depth - 1)
        if kind == "compare":
            return f"({first} {pick(['<', '<=', '>', '>=', '=', '!='])} {second})"
        third = number(pick, place, 0)
        return f"({first} between {second} and {third})" if kind == "between" else f"({first} in [{second}, {third}])"
    if kind in ("any", "all"):
        return f"{kind}({condition(pick, FIRM, depth - 1)} of {pick(place.lists)})"
    if kind == "where":
        return f"any(({pick(place.lists)}) where {condition(pick, FIRM, depth - 1)})"
    first = condition(pick, place, depth - 1)
    if kind == "not":
        return f"(not {first})"
    second = condition(pick, place, depth - 1)
    return f"(if {first} then {second} else {condition(pick, place, 0)})" if kind == "if" else f"({first} {kind} {second})"


def number(pick: Pick, place: Place, depth: int = 2) -> str:
    kinds = ["fact", "fact", "constant"]
    if depth > 0:
        kinds += ["sign", "sign", "sign", "least", "one", "round", "if", *(["list"] * 4 if place.lists else [])]
    kind = pick(kinds)
    if kind == "fact":
        return str(pick(place.numbers))
    if kind == "constant":
        return str(pick(["0", "1", "2", "0.5", "50%", "t"]))
    if kind == "list":
        return over_list(pick, place, depth)
    first = number(pick, place, depth - 1)
    if kind == "one":
        return f"{pick(['abs', 'floor', 'ceil', '-', 'ladder', 'slices', 'twice'])}({first})" if pick([0, 1, 2]) else f"({first} ^ 2)"
    if kind == "round":
        return f"round({first}, {pick(['half_up', 'half_even', 'up', 'down'])}, 0.5)"
    if kind == "if":
        return f"(if {condition(pick, place, 0)} then {first} else {number(pick, place, depth - 1)})"
    second = number(pick, place, depth - 1)
    return f"{pick(['min', 'max'])}({first}, {second})" if kind == "least" else f"({first} {pick(['+', '-', '*', '/'])} {second})"


def over_list(pick: Pick, place: Place, depth: int) -> str:
    """A number about the listed firms."""
    listed = f"({pick(place.lists)})"
    if pick([True, False]):
        listed = f"({listed} where {condition(pick, FIRM, depth - 1)})"
    how = pick(["count", "count", "sum", "sum", "min", "max", "average", "distinct"])
    if how == "count":
        return f"count({listed})"
    value = number(pick, FIRM, depth - 1)
    return f"count(distinct {value} of {listed})" if how == "distinct" else f"{how}({value} of {listed})"


class Generated:
    """A policy as data, and an application that may lack facts."""

    def __init__(self, policy: dict[str, Any], application: dict[str, Any]) -> None:
        self.policy, self.application = policy, application

    def __repr__(self) -> str:
        """What differs from one policy to the next, so that a failing test can be read."""
        told = {k: self.policy[k] for k in ("stages", "definitions", "requirements")}
        return f"{json.dumps(told, indent=1)}\n{json.dumps(self.application)}"

    def text(self) -> bytes:
        return json.dumps(self.policy, ensure_ascii=False, indent=1).encode()


@st.composite
def policies(draw: Draw) -> dict[str, Any]:
    """A policy of two stages with a few definitions and requirements."""

    def pick(options: Sequence[Any]) -> Any:
        return draw(st.sampled_from(options))

    requirements: dict[str, Any] = {"project": {}, "firm": {}}
    for i in range(pick([1, 2, 3])):
        effect = pick(["reject", "reject", "refer", "bar", "flag", "suspend"])
        row = {"stage": pick(["first", "second"]), "check": condition(pick, PROJECT), "otherwise": effect}
        if pick([False, True]):
            row["applies"] = condition(pick, PROJECT, 1)
        requirements["project"][f"r{i}"] = row
    for name, effects in (("x0", ["exclude"]), ("x1", ["reject", "refer", "bar", "flag"])):
        if pick([True, False]):
            row = {"stage": pick(["first", "second"]), "check": condition(pick, FIRM, 1), "otherwise": pick(effects)}
            requirements["firm"][name] = row
    definitions = {
        "project": {
            "d0": number(pick, PROJECT),
            "d1": {"by": "c", "red": number(pick, PROJECT, 1), "blue": number(pick, PROJECT, 1)},
            "d2": {"by": "reading.view", "wide": f"d0 * 1 EUR / {pick(['1', '3', 'm'])}", "narrow": "cash"},
            "d3": {
                "value": number(pick, PROJECT, 1),
                "except": [{"when": condition(pick, PROJECT, 1), "value": "d0"}],
                "round": {"half_up": "0.1"},
            },
        },
        "firm": {"e0": number(pick, FIRM), "part": "share of project.cash by max(k, 0) among project.firms where admitted ties id"},
    }
    opens = {"second": {"opens": condition(pick, EARLY, 1)}} if pick([False, True]) else "second"
    head = {"id": "generated", "title": "Generated", "decides": "project", "money_rounding": "down", "month_rounding": "down"}
    return {
        "bandolo": "1",
        "policy": head,
        "stages": ["first", opens],
        "entities": copy.deepcopy(ENTITIES),
        **copy.deepcopy(TABLES),
        "definitions": definitions,
        "requirements": requirements,
        "results": ["d0", "d1", "d2", "d3", "firm.e0", "firm.part"],
    }


@st.composite
def applications(draw: Draw) -> dict[str, Any]:
    """An application that lacks at most four facts."""
    made: dict[str, Any] = {"id": "P1", **{name: draw(st.sampled_from(domain)) for name, domain in ROOT_DOMAINS.items()}}
    count = draw(st.integers(0, 3))
    made["firms"] = [{"id": f"F{i}", **{n: draw(st.sampled_from(d)) for n, d in FIRM_DOMAINS.items()}} for i in range(count)]
    places: list[tuple[dict[str, Any], str]] = [(made, name) for name in (*ROOT_DOMAINS, "firms")]
    places += [(firm, name) for firm in made["firms"] for name in FIRM_DOMAINS]
    for record, name in draw(st.lists(st.sampled_from(places), max_size=4, unique_by=lambda p: (id(p[0]), p[1]))):
        del record[name]
    return made


@st.composite
def generated(draw: Draw) -> Generated:
    return Generated(draw(policies()), draw(applications()))


# A list that is missing may turn out empty, or to hold any firm.
MISSING_LISTS: list[Any] = [[], *([{"id": "N", "ok": ok, "k": k, "s": "red"}] for ok in (True, False) for k in (0, 2))]


def completions(application: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every application that the facts given allow."""
    places: list[tuple[int | None, str, list[Any]]] = [(None, n, d) for n, d in ROOT_DOMAINS.items() if n not in application]
    if "firms" not in application:
        places.append((None, "firms", MISSING_LISTS))
    for i, firm in enumerate(application.get("firms", [])):
        places += [(i, n, d) for n, d in FIRM_DOMAINS.items() if n not in firm]
    for values in itertools.product(*(d for _, _, d in places)):
        made = copy.deepcopy(application)
        for (i, name, _), value in zip(places, values, strict=True):
            (made if i is None else made["firms"][i])[name] = copy.deepcopy(value)
        yield made
