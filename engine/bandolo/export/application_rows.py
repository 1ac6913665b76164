"""The records of an application as rows of its sheets: the values of facts as cells that are read back as the same facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from bandolo.check import core
from bandolo.evaluate.inputs import Application
from bandolo.evaluate.wire import decimal_of, is_decimal
from bandolo.export.workbook_styles import CellValue
from bandolo.language import calendar
from bandolo.language.types import TEXT, ChoiceType, Language, ListType, OptionalType, Type
from bandolo.language.values import NONE, Duration, ListValue, Record, Unknown, Value
from bandolo.sheets.layout import Column, Sheet
from bandolo.sheets.spelling import NONE_WORDS
from bandolo.sheets.words import choice_words, none_word, word

FIRST_DAY = date(1900, 3, 1)


def rows_of(policy: core.Policy, sheet: Sheet, application: Application, number: int, lang: Language) -> Iterator[list[CellValue]]:
    """One row for each record of a sheet's entity. `number` tells the application from others, where it has no key."""
    rows = _Rows(policy, lang, number, application)
    for record in application.records[sheet.entity.name]:
        yield [rows.cell(record, column) for column in sheet.columns]


class _Rows:
    def __init__(self, policy: core.Policy, lang: Language, number: int, application: Application) -> None:
        self.policy, self.lang, self.number, self.application = policy, lang, number, application

    def cell(self, record: Record, column: Column) -> CellValue:
        if column.kind == "owner":
            return self.key(record.ancestor(column.entity))
        if column.kind == "line" or column.fact is None:
            return self.key(record)
        value = record.facts[column.fact.name, column.stage]
        if column.kind == "count":
            return Decimal(len(value.members)) if isinstance(value, ListValue) else None
        return self.value(value, column.fact.type)

    def key(self, record: Record) -> CellValue:
        declared = self.policy.entities[record.entity].key
        if declared is not None:
            return self.value(record.facts[declared.name, None], declared.type)
        if record.owner is None:
            return str(self.number)
        return str(self.application.records[record.entity].index(record) + 1)

    def value(self, value: Value, type_: Type) -> CellValue:
        """A value as the cell that stands for it; None where it is unknown."""
        optional = isinstance(type_, OptionalType)
        type_ = type_.of if isinstance(type_, OptionalType) else type_
        match value:
            case Unknown():
                return None
            case bool():
                return word("yes" if value else "no", self.lang)
            case Fraction():
                return _number(value)
            case datetime():
                return self._instant(value)
            case date():
                return value if value >= FIRST_DAY else value.isoformat()
            case str():
                return self._text(value, type_, optional)
            case Duration(months=months, days=days):
                return f"{months} months" if months else f"{days} days"
            case Record():
                return self.key(value)
            case ListValue():
                return self._list(value, type_)
        return none_word(type_, self.lang) if value is NONE else None

    def _text(self, value: str, type_: Type, optional: bool) -> str:
        if isinstance(type_, ChoiceType):
            return choice_words(type_, self.lang)[type_.options.index(value)]
        return f'"{value}"' if type_ == TEXT and optional and value.strip().casefold() in NONE_WORDS else value

    def _list(self, value: ListValue, type_: Type) -> str:
        inner = type_.item if isinstance(type_, ListType) else type_
        items = [_spelt(self.value(m.value, inner)) for m in value.members]
        return "; ".join(items) if items else none_word(type_, self.lang)

    def _instant(self, value: datetime) -> CellValue:
        """The wall time, where it is one instant and spreadsheets have it; else the text with its offset."""
        zone = self.policy.conventions.time_zone
        try:
            local = calendar.wall_time(value, zone)
        except calendar.OutOfRange:
            return value.astimezone(UTC).isoformat()
        wall = local.replace(tzinfo=None)
        if calendar.instant(wall.replace(fold=0), zone) == value and wall.date() >= FIRST_DAY and not wall.microsecond:
            return wall.replace(fold=0)
        offset = local.utcoffset()
        whole = offset is not None and not offset.total_seconds() % 60  # before time zones clocks differed by seconds
        return local.isoformat() if whole else value.astimezone(UTC).isoformat()


def _number(value: Fraction) -> CellValue:
    return decimal_of(value).normalize() if is_decimal(value) else str(value)


def _spelt(value: CellValue) -> str:
    """A value inside a list of several in one cell."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value or "")
