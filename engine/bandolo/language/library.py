"""The table of operators and functions: their types, words, examples and implementation, each in one row.

Checker, evaluator, reference page, completion and tests all read this table: to add a function is to add a row here and its cases.

A signature is written as `money, number -> money`. In it `number` accepts percent and integer too; `T` is any ordered type
(numbers, amounts, dates, instants, lengths of one unit) and the same one throughout; `V` is any type, the same one throughout;
`...` repeats the argument before it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from bandolo.language import aggregates, functions, intervals
from bandolo.language.types import (
    DURATION,
    INVALID,
    NUMBER,
    ORDERED,
    PERCENT,
    ROUNDING,
    TYPE_BY_WORD,
    DurationType,
    InvalidType,
    ListType,
    NoneType,
    OptionalType,
    RecordType,
    Type,
    accepts,
    join,
)
from bandolo.records import dataclass, field

VARIABLES = ("T", "V")


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameter types and result; a variable stands as its letter, a list of one as `("list", "T")`."""

    takes: tuple[Any, ...]
    gives: Any
    repeats: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: an operator or a function, with all that is to be known of it.

    `run` takes the conventions of the policy and known values, and gives the value or a Fault. `within` gives the interval of the
    result from the intervals of the arguments; without it the result of an unknown argument is simply unknown. A `total` row
    is handed unknown values and faults as they are (lists, whose members may be unsure).
    """

    name: str
    kind: str  # operator, function, aggregate
    signatures: tuple[str, ...]
    run: Callable[..., Any]
    it: str
    en: str
    examples: tuple[tuple[str, str], ...] = ()
    within: Callable[..., Any] | None = None
    total: bool = False
    risky: Callable[..., bool] | None = None
    """From the intervals of unknown arguments, whether some completion has no result."""
    said: tuple[str, str] | None = None
    """How it reads in an explanation, in Italian and English, `{0}` its first argument; without it, `name(...)`."""
    said_each: tuple[str, str] | None = None
    """The same for an aggregate of a value of each member of a list: `{0}` the value, `{1}` the list."""
    parsed: tuple[Signature, ...] = field(default=(), compare=False)


def _row(name: str, kind: str, signatures: str, run: Callable[..., Any], en: str, it: str, *examples: str, **more: Any) -> Operation:
    rows = tuple(s.strip() for s in signatures.split(";"))
    pairs = tuple((e.partition(" => ")[0], e.partition(" => ")[2]) for e in examples)
    return Operation(name, kind, rows, run, it, en, pairs, parsed=tuple(_signature(s) for s in rows), **more)


def _signature(text: str) -> Signature:
    takes, _, gives = text.partition(" -> ")
    words = [w.strip() for w in takes.split(",")] if takes else []
    repeats = bool(words) and words[-1] == "..."
    return Signature(tuple(_pattern(w) for w in words if w != "..."), _pattern(gives), repeats)


def _pattern(word: str) -> Any:
    if word.startswith("list of "):
        return ("list", _pattern(word.removeprefix("list of ")))
    if word in (*VARIABLES, "record"):
        return word
    return ROUNDING if word == "direction" else TYPE_BY_WORD[word]


OPERATIONS: tuple[Operation, ...] = (
    _row("+", "operator",
         "integer, integer -> integer; percent, percent -> percent; number, number -> number; money, money -> money;"
         "duration in days, duration in days -> duration in days; duration in months, duration in months -> duration in months;"
         "duration, duration -> duration; date, duration -> date; datetime, duration -> datetime",
         functions.add, "Adds numbers, amounts, or a length of time to a date or an instant.",
         "Somma numeri, importi, oppure una durata a una data o a un istante.",
         "0.1 + 0.2 => 0.3", "100 EUR + 0.50 EUR => 100.50 EUR", "2023-01-31 + 30 days => 2023-03-02", within=intervals.add,
         said=("{0} + {1}", "{0} + {1}")),
    _row("-", "operator",
         "integer, integer -> integer; percent, percent -> percent; number, number -> number; money, money -> money;"
         "duration in days, duration in days -> duration in days; duration in months, duration in months -> duration in months;"
         "date, date -> duration in days; date, duration -> date; datetime, duration -> datetime",
         functions.subtract, "Subtracts; the difference of two dates is a length in days.",
         "Sottrae; la differenza fra due date è una durata in giorni.",
         "400_000 EUR - 0.01 EUR => 399_999.99 EUR", "2023-03-01 - 2023-02-28 => 1 days", within=intervals.subtract,
         said=("{0} − {1}", "{0} − {1}")),
    _row("*", "operator",
         "integer, integer -> integer; number, number -> number; money, number -> money; number, money -> money",
         functions.multiply, "Multiplies; an amount only by a number or a percentage.",
         "Moltiplica; un importo solo per un numero o una percentuale.",
         "50% * 30_000 EUR => 15_000 EUR", "0.07 * 100 => 7", within=intervals.multiply,
         said=("{0} × {1}", "{0} × {1}")),
    _row("/", "operator", "number, number -> number; money, number -> money; money, money -> number",
         functions.divide, "Divides, exactly; an amount by an amount is a plain number. Division by zero is a fault.",
         "Divide, in modo esatto; un importo diviso un importo è un numero. La divisione per zero è un errore di calcolo.",
         "140_000 EUR / 200_000 EUR => 0.7", "1 / 0 => fault division-by-zero", within=intervals.divide, risky=intervals.may_be_zero,
         said=("{0} ÷ {1}", "{0} ÷ {1}")),
    _row("^", "operator", "integer, integer -> integer; number, integer -> number", functions.power,
         "Raises to a whole power, written as a number.", "Eleva a una potenza intera, scritta come numero.",
         "1.5 ^ 2 => 2.25",
         said=("{0} alla potenza {1}", "{0} to the power {1}")),
    _row("minus", "operator", "integer -> integer; percent -> percent; number -> number; money -> money",
         functions.negative, "The opposite: `-x`.", "L'opposto: `-x`.", "-(2 - 5) => 3", within=intervals.negate,
         said=("−{0}", "−{0}")),
    _row("=", "operator", "V, V -> boolean", functions.equal, "Equal. `40% = 0.4` holds: they are one quantity.",
         "Uguale. `40% = 0.4` è vero: sono la stessa quantità.", "40% = 0.4 => true", "\"a\" = \"b\" => false", within=intervals.equal,
         said=("{0} = {1}", "{0} = {1}")),
    _row("!=", "operator", "V, V -> boolean", functions.different, "Not equal.", "Diverso.", "1 != 2 => true",
         within=intervals.unequal,
         said=("{0} ≠ {1}", "{0} ≠ {1}")),
    _row("<", "operator", "T, T -> boolean", functions.less, "Less than; earlier than.", "Minore; precedente.",
         "2023-01-20 < 2023-01-21 => true", within=intervals.less,
         said=("{0} < {1}", "{0} < {1}")),
    _row("<=", "operator", "T, T -> boolean", functions.at_most, "Less than or equal: the limit itself passes.",
         "Minore o uguale: il limite è compreso.", "40% <= 0.4 => true", within=intervals.at_most,
         said=("{0} ≤ {1}", "{0} ≤ {1}")),
    _row(">", "operator", "T, T -> boolean", functions.more, "Greater than; later than.", "Maggiore; successivo.",
         "10 > 10 => false", within=lambda a, b: intervals.less(b, a),
         said=("{0} > {1}", "{0} > {1}")),
    _row(">=", "operator", "T, T -> boolean", functions.at_least, "Greater than or equal: the limit itself passes.",
         "Maggiore o uguale: il limite è compreso.", "140_000 EUR / 200_000 EUR >= 70% => true",
         within=lambda a, b: intervals.at_most(b, a),
         said=("{0} ≥ {1}", "{0} ≥ {1}")),
    _row("in", "operator", "V, list of V -> boolean", functions.contained, "One of the listed values.",
         "Uno dei valori elencati.", "3 in [1, 2, 3] => true", "\"x\" in [] => false", total=True,
         said=("{0} è fra {1}", "{0} is one of {1}")),
    _row("min", "function", "T, T, ... -> T; list of T -> T", functions.minimum,
         "The smallest of several values, or of a list. Of an empty list: a fault.",
         "Il più piccolo fra più valori o in un elenco. Di un elenco vuoto: errore di calcolo.",
         "min(400_000 EUR, 1 EUR) => 1 EUR", "min(3, 1, 2) => 1", "min([]) => fault empty-list", total=True,
         said=("il più basso fra {0}", "the lowest of {0}"), said_each=("il più basso fra {0} di {1}", "the lowest {0} over {1}")),
    _row("max", "function", "T, T, ... -> T; list of T -> T", functions.maximum,
         "The largest of several values, or of a list. Of an empty list: a fault.",
         "Il più grande fra più valori o in un elenco. Di un elenco vuoto: errore di calcolo.",
         "max(0 EUR, -5 EUR) => 0 EUR", total=True,
         said=("il più alto fra {0}", "the highest of {0}"), said_each=("il più alto fra {0} di {1}", "the highest {0} over {1}")),
    _row("count", "aggregate", "list of V -> integer", aggregates.count, "How many items a list has.", "Quante voci ha un elenco.",
         "count([5, 5, 7]) => 3", "count([]) => 0", total=True,
         said=("numero di {0}", "number of {0}")),
    _row("count distinct", "aggregate", "list of V -> integer", aggregates.count_distinct,
         "How many different values a list has: `count(distinct country of partners)`.",
         "Quanti valori diversi ha un elenco: `count(distinct country of partners)`.", "count(distinct [5, 5, 7]) => 2", total=True,
         said=("numero di valori diversi di {0}", "number of different values of {0}"),
         said_each=("numero di valori diversi di {0} fra {1}", "number of different values of {0} over {1}")),
    _row("sum", "aggregate",
         "list of integer -> integer; list of percent -> percent; list of number -> number; list of money -> money;"
         "list of duration in days -> duration in days; list of duration in months -> duration in months",
         aggregates.total, "The sum of a list; zero if it is empty.", "La somma di un elenco; zero se è vuoto.",
         "sum([1, 2, 3]) => 6", "sum([]) => 0", total=True,
         said=("somma di {0}", "sum of {0}"), said_each=("somma di {0} di {1}", "sum of {0} over {1}")),
    _row("average", "aggregate", "list of percent -> percent; list of number -> number; list of money -> money",
         aggregates.average, "The mean of a list, exact. Of an empty list: a fault.",
         "La media di un elenco, esatta. Di un elenco vuoto: errore di calcolo.", "average([1, 2]) => 1.5", total=True,
         said=("media di {0}", "mean of {0}"), said_each=("media di {0} fra {1}", "mean of {0} over {1}")),
    _row("any", "aggregate", "list of boolean -> boolean; list of record -> boolean", aggregates.any_,
         "Whether at least one holds: `any(partners where c)`, `any(c of partners)`. False for an empty list.",
         "Se almeno uno è vero: `any(partners where c)`, `any(c of partners)`. Falso per un elenco vuoto.",
         "any([false, true]) => true", "any([]) => false", total=True,
         said=("almeno uno fra {0}", "at least one of {0}"), said_each=("almeno uno fra {1}: {0}", "for at least one of {1}: {0}")),
    _row("all", "aggregate", "list of boolean -> boolean", aggregates.all_,
         "Whether each holds: `all(c of partners)`. True for an empty list.",
         "Se sono tutti veri: `all(c of partners)`. Vero per un elenco vuoto.", "all([]) => true", total=True,
         said=("tutti: {0}", "all: {0}"), said_each=("per ciascuno di {1}: {0}", "for each of {1}: {0}")),
    _row("round", "function", "number, direction, number -> number; money, direction, money -> money", functions.round_,
         "Rounds to a multiple of a step: `half_up` (half away from zero), `half_even`, `up` (away from zero), `down` (towards zero).",
         "Arrotonda a un multiplo di un passo: `half_up` (metà verso l'esterno), `half_even`, `up` (per eccesso), `down` (per difetto).",
         "round(5.015, half_up, 0.01) => 5.02", "round(-2.5, half_up, 1) => -3", "round(100.019 , down, 0.01) => 100.01", total=True,
         said=("{0}, {1} a {2}", "{0}, {1} to {2}")),
    _row("floor", "function", "number -> integer", functions.floor, "The largest whole number not above.",
         "Il più grande intero non superiore.", "floor(-2.5) => -3", within=lambda a: functions.both_ends(functions.floor, a),
         said=("parte intera di {0}", "whole part of {0}")),
    _row("ceil", "function", "number -> integer", functions.ceil, "The smallest whole number not below.",
         "Il più piccolo intero non inferiore.", "ceil(2.1) => 3", within=lambda a: functions.both_ends(functions.ceil, a),
         said=("{0} arrotondato all'intero superiore", "{0} up to a whole number")),
    _row("abs", "function", "integer -> integer; percent -> percent; number -> number; money -> money", functions.absolute,
         "The distance from zero.", "Il valore assoluto.", "abs(-3) => 3", within=intervals.absolute,
         said=("valore assoluto di {0}", "size of {0}")),
    _row("date", "function", "datetime -> date; integer, integer, integer -> date", functions.date_,
         "The day of an instant, in the policy's time zone; or a date from year, month and day.",
         "Il giorno di un istante, nel fuso orario della policy; oppure una data da anno, mese e giorno.",
         "date(2022-12-31 16:00) => 2022-12-31", "date(2024, 2, 29) => 2024-02-29", "date(2023, 2, 29) => fault date-out-of-range",
         said=("giorno di {0}", "day of {0}")),
    _row("start_of", "function", "date -> datetime", functions.start_of, "The first instant of a day, in the policy's time zone.",
         "Il primo istante di un giorno, nel fuso orario della policy.", "start_of(2023-03-01) => 2023-03-01 00:00",
         said=("inizio del giorno {0}", "start of the day {0}")),
    _row("start_of_minute", "function", "datetime -> datetime", functions.start_of_minute,
         "The instant at which the minute of an instant begins: where a whole minute counts, `start_of_minute(sent_at) <= closing`.",
         "L'istante in cui comincia il minuto: dove vale l'intero minuto, `start_of_minute(sent_at) <= closing`.",
         "start_of_minute(2022-12-31 16:00:59) => 2022-12-31 16:00",
         said=("minuto di {0}", "minute of {0}")),
    _row("year", "function", "date -> integer; datetime -> integer", functions.year, "The year of a date.", "L'anno di una data.",
         "year(2023-10-30) => 2023",
         said=("anno di {0}", "year of {0}")),
    _row("month", "function", "date -> integer; datetime -> integer", functions.month, "The month of a date, 1 to 12.",
         "Il mese di una data, da 1 a 12.", "month(2023-10-30) => 10",
         said=("mese di {0}", "month of {0}")),
    _row("day", "function", "date -> integer; datetime -> integer", functions.day, "The day of the month of a date.",
         "Il giorno del mese di una data.", "day(2023-10-30) => 30",
         said=("giorno del mese di {0}", "day of the month of {0}")),
    _row("end_of_month", "function", "date -> date", functions.end_of_month, "The last day of a date's month.",
         "L'ultimo giorno del mese di una data.", "end_of_month(2024-02-10) => 2024-02-29",
         said=("fine del mese di {0}", "end of the month of {0}")),
    _row("days_between", "function", "date, date -> integer", functions.days_between,
         "Days from the first date to the second, the first not counted; negative if the second is earlier.",
         "Giorni dalla prima data alla seconda, la prima esclusa; negativi se la seconda precede.",
         "days_between(2023-01-01, 2023-12-31) => 364", "days_between(2023-03-01, 2023-02-28) => -1",
         said=("giorni da {0} a {1}", "days from {0} to {1}")),
    _row("months_between", "function", "date, date -> integer", functions.months_between,
         "Whole months from the first date to the second; negative if the second is earlier.",
         "Mesi interi dalla prima data alla seconda; negativi se la seconda precede.",
         "months_between(2023-01-31, 2023-02-28) => 0", "months_between(2023-01-15, 2023-03-15) => 2",
         said=("mesi interi da {0} a {1}", "whole months from {0} to {1}")),
    _row("years_between", "function", "date, date -> integer", functions.years_between,
         "Whole years from the first date to the second (an age); negative if the second is earlier.",
         "Anni interi dalla prima data alla seconda (un'età); negativi se la seconda precede.",
         "years_between(2000-02-29, 2023-02-28) => 22",
         said=("anni interi da {0} a {1}", "whole years from {0} to {1}")),
    _row("days", "function", "duration in days -> integer", functions.days, "The number of days of a length in days.",
         "Il numero di giorni di una durata in giorni.", "days(2023-03-01 - 2023-02-01) => 28",
         said=("giorni di {0}", "days of {0}")),
    _row("months", "function", "duration in months -> integer", functions.months, "The number of months of a length in months.",
         "Il numero di mesi di una durata in mesi.", "months(2 years) => 24",
         said=("mesi di {0}", "months of {0}")),
    _row("working_day", "function", "date -> date", functions.working_day,
         "The first working day on or after a date; needs `working_days` in the policy.",
         "Il primo giorno lavorativo a partire da una data; richiede `working_days` nella policy.",
         said=("primo giorno lavorativo da {0}", "first working day from {0}")),
    _row("starts_with", "function", "text, text -> boolean", functions.starts_with, "Whether a text begins with another.",
         "Se un testo comincia con un altro.", "starts_with(\"01.13\", \"01\") => true",
         said=("{0} comincia con «{1}»", '{0} begins with "{1}"')),
    _row("contains", "function", "text, text -> boolean", functions.contains, "Whether a text contains another.",
         "Se un testo ne contiene un altro.", "contains(\"abc\", \"d\") => false",
         said=("{0} contiene «{1}»", '{0} contains "{1}"')),
    _row("length", "function", "text -> integer", functions.length, "How many characters a text has.",
         "Quanti caratteri ha un testo.", "length(\"abc\") => 3",
         said=("numero di caratteri di {0}", "number of characters of {0}")),
)  # fmt: skip


def implementation(row: Operation, gives: Type) -> Callable[..., Any]:
    """What computes a row where its result is of a type; an empty list does not tell what it is a list of."""
    return aggregates.total_of_lengths if row.run is aggregates.total and isinstance(gives, DurationType) else row.run


@cache
def operation_by_name() -> dict[str, Operation]:
    return {row.name: row for row in OPERATIONS}


def function_names() -> list[str]:
    """The names that may be written as `name(...)`."""
    return [row.name for row in OPERATIONS if row.kind != "operator" and " " not in row.name]


def result_type(row: Operation, given: tuple[Type, ...]) -> tuple[Signature, Type] | None:
    """The first signature that the argument types fit, and the type of its result; None where none fits."""
    for signature in row.parsed:
        binding: dict[str, Type] = {}
        takes = signature.takes
        if signature.repeats and len(given) > len(takes):
            takes = takes + (takes[-1],) * (len(given) - len(takes))
        if len(takes) == len(given) and all(_fits(p, g, binding) for p, g in zip(takes, given, strict=True)):
            return signature, _result(signature.gives, binding)
    return None


def _fits(pattern: Any, given: Type, binding: dict[str, Type]) -> bool:
    if isinstance(given, InvalidType):
        return True
    if isinstance(pattern, tuple):
        return isinstance(given, ListType) and _fits(pattern[1], given.item, binding)
    if pattern == "record":
        return isinstance(given, RecordType)
    if pattern in VARIABLES:
        bound = join(binding[pattern], given) if pattern in binding else given
        if bound == DURATION and DURATION not in (given, binding.get(pattern)):
            return False  # days and months do not compare
        if bound is None or isinstance(bound, OptionalType | NoneType):
            return False
        if pattern == "T" and bound not in (*ORDERED, INVALID):
            return False
        binding[pattern] = bound
        return True
    if pattern == PERCENT:
        return given == PERCENT  # a plain number stays one: `0.5 + 0.5` is 1, not 100%
    return accepts(pattern, given) and not isinstance(given, OptionalType)


def _result(pattern: Any, binding: dict[str, Type]) -> Type:
    return binding.get(pattern, NUMBER) if pattern in VARIABLES else pattern
