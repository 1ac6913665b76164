"""An expression of the checked tree as it would be written: the same text however the file is laid out."""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction

from bandolo.check import core
from bandolo.evaluate.wire import exact_text
from bandolo.language import calendar
from bandolo.language.functions import Conventions
from bandolo.language.types import MONEY, PERCENT, TEXT, OptionalType, Type
from bandolo.language.values import NONE, Duration, Value

OR, AND, NOT, COMPARE, SUM, PRODUCT, TIGHT = range(7)
STRENGTH = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT,
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">=", "in"), COMPARE),
}  # fmt: skip
NAME = re.compile(r"[\w.]+( at [\w.()]+)?")


def code(node: core.Expr, conventions: Conventions, around: int = 0) -> str:
    """An expression in the rule language; names as they are written in the policy, values in one spelling."""
    return _Writer(conventions).text(node, around)


def literal(value: Value, type_: Type, conventions: Conventions) -> str:
    """A value as a policy writes it: `400_000 EUR`, `30%`, `2023-10-30`, `10 days`."""
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    match value:
        case bool():
            return "true" if value else "false"
        case Fraction():
            if type_ == PERCENT:
                return f"{_grouped(value * 100)}%"
            return f"{_grouped(value)} {conventions.currency}" if type_ == MONEY else _grouped(value)
        case datetime():
            local = calendar.wall_time(value, conventions.time_zone)
            return f"{local:%Y-%m-%d %H:%M:%S}".removesuffix(":00") if local.second == 0 else f"{local:%Y-%m-%d %H:%M:%S}"
        case date():
            return value.isoformat()
        case Duration(months=months, days=days):
            return f"{months} months" if months else f"{days} days"
        case str():
            return f'"{value}"' if type_ == TEXT else value
    return "none" if value is NONE else str(value)


def _grouped(value: Fraction) -> str:
    """Digits in threes from ten thousand on."""
    text = exact_text(value)
    whole, point, decimals = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return sign + (f"{int(digits):_}" if digits.isdigit() and len(digits) > 4 else digits) + point + decimals


class _Writer:
    def __init__(self, conventions: Conventions) -> None:
        self.conventions = conventions

    def text(self, node: core.Expr, around: int = 0) -> str:
        text, strength = self.parts(node)
        return f"({text})" if strength < around else text

    def parts(self, node: core.Expr) -> tuple[str, int]:
        """The text of a node, and how strongly it binds."""
        match node:
            case core.Constant(value=value):
                return literal(value, node.type, self.conventions), TIGHT
            case core.And(parts=parts):
                return " and ".join(self.text(p, NOT) for p in parts), AND
            case core.Or(parts=parts):
                return " or ".join(self.text(p, AND) for p in parts), OR
            case core.Not(value=core.IsNone(value=value)):
                return f"{self.text(value, COMPARE)} is not none", COMPARE
            case core.Not(value=value):
                return f"not {self.text(value, NOT)}", NOT
            case core.IsNone(value=value):
                return f"{self.text(value, COMPARE)} is none", COMPARE
            case core.IsKnown(value=value):
                return f"{self.text(value, COMPARE)} is known", COMPARE
            case core.Apply():
                return self.apply(node)
            case core.Branches(branches=branches, otherwise=otherwise):
                cases = [f"if {self.text(b.when)} then {self.text(b.value)} else " for b in branches]
                return "".join(cases) + self.text(otherwise), OR
            case core.Choose(subject=subject, options=options, otherwise=fallback):
                rows = [f"{word}: {self.text(value)}" for word, value in options]
                rows += [] if fallback is None else [f"otherwise: {self.text(fallback)}"]
                return f"by {self.text(subject)} {{{', '.join(rows)}}}", TIGHT
            case core.Brackets(name=name, amount=amount):
                return f"{name}({self.text(amount)})", TIGHT
            case core.Items(items=items):
                return f"[{', '.join(self.text(i) for i in items)}]", TIGHT
            case core.Filter(list=listed, condition=condition):
                return f"{self.text(listed, TIGHT)} where {self.text(condition)}", NOT
            case core.Map(list=listed, item=item):
                return f"{self.text(item, SUM)} of {self.text(listed, NOT)}", NOT
            case core.Share(total=total, weight=weight, among=among, ties=ties):
                return (
                    f"share of {self.text(total, SUM)} by {self.text(weight, SUM)} among {self.text(among)} ties {self.text(ties)}",
                    SUM,
                )
            case core.Let(value=value, body=body):
                return " ".join(node.span.text.split()) or self.text(body), TIGHT
            case core.Met(requirement=requirement):
                return f"met({requirement})", TIGHT
            case core.Option(reading=reading):
                return f"reading.{reading}", TIGHT
            case core.Dated(name=name, date=day):
                return f"{name} at {self.text(day, TIGHT)}", TIGHT
            case core.Admitted(stage=stage):
                return "admitted" if stage is None else f"admitted at {stage}", TIGHT
            case core.Fact(name=name, stage=stage):
                return self.named(node, name) + ("" if stage is None else f" at {stage}"), TIGHT
            case core.Computed(name=name):
                return self.named(node, name), TIGHT
            case core.Parameter(name=name):
                return name, TIGHT
            case core.Owner(entity=entity):
                return entity, TIGHT
            case core.Variable():
                written = node.span.text
                return (written if NAME.fullmatch(written) else "this"), TIGHT
            case core.AsOf():
                return "as_of", TIGHT
        return node.span.text, TIGHT

    @staticmethod
    def named(node: core.Expr, name: str) -> str:
        """A name with the record before it, `other.position`, where it is written so."""
        written = node.span.text.partition(" at ")[0]
        return written if NAME.fullmatch(written) and written.rpartition(".")[2] == name else name

    def apply(self, node: core.Apply) -> tuple[str, int]:
        name, arguments = node.operation.name, node.arguments
        strength = STRENGTH.get(name)
        if strength is not None and len(arguments) == 2:
            right = strength + 1 if name not in ("+", "*") else strength
            return f"{self.text(arguments[0], strength)} {name} {self.text(arguments[1], right)}", strength
        if name == "minus":
            return f"-{self.text(arguments[0], TIGHT)}", PRODUCT
        if name == "^":
            return f"{self.text(arguments[0], TIGHT)} ^ {self.text(arguments[1], TIGHT)}", PRODUCT
        inner = ", ".join(self.text(a) for a in arguments)
        return (f"count(distinct {inner})" if name == "count distinct" else f"{name}({inner})"), TIGHT
