"""A workbook in which applications to a policy are filled in: one sheet an entity, instructions first, every column explained.

Takes the policy, and applications to put into it if there are any; what it gives is read back by `bandolo.sheets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from bandolo.check import core
from bandolo.evaluate.inputs import Application
from bandolo.export.application_rows import rows_of
from bandolo.export.workbook_styles import PALE, Book, codes_are_texts, put, width
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    TEXT,
    ChoiceType,
    Language,
    ListType,
    RecordType,
    Type,
)  # fmt: skip
from bandolo.sheets.layout import CHOICES, DICTIONARY, README, Column, Sheet, layout, listed_entity
from bandolo.sheets.words import README as INSTRUCTIONS
from bandolo.sheets.words import choice_words, none_word, to_write, word
from bandolo.sheets.workbook import ROWS, letters

LAST = ROWS - 1
FIRST_DAY = date(1900, 3, 1)
"""Before it the days of spreadsheets are off by one."""
KEYS_OFFERED = 5_000
"""How many keys of a sheet the lists of other sheets offer."""


def template(policy: core.Policy, lang: Language, policy_path: str, file: str, applications: Sequence[Application] = ()) -> bytes:
    """The bytes of the workbook. Raises BandoloError with `missing-extra`."""
    return _Template(policy, lang).made(policy_path, file, applications)


class _Template:
    def __init__(self, policy: core.Policy, lang: Language) -> None:
        self.policy, self.lang = policy, lang
        self.sheets = layout(policy)
        self.titles = {name: sheet.titles.said(lang) for name, sheet in self.sheets.items()}
        self.currency = policy.conventions.currency
        self.book = Book(policy.title.said(lang), self.currency, lang)
        self.lists: dict[tuple[str, ...], str] = {}

    def made(self, policy_path: str, file: str, applications: Sequence[Application]) -> bytes:
        book = self.book.book
        readme = book.add_worksheet(README.said(self.lang))
        pages = {name: book.add_worksheet(self.titles[name]) for name in self.sheets}
        dictionary = book.add_worksheet(DICTIONARY.said(self.lang))
        self._lists(book.add_worksheet(CHOICES.said(self.lang)))
        self._readme(readme, policy_path, file)
        for name, sheet in self.sheets.items():
            self._sheet(pages[name], sheet)
            rows = (row for i, a in enumerate(applications, 1) for row in rows_of(self.policy, sheet, a, i, self.lang))
            for number, row in enumerate(rows, 1):
                for i, value in enumerate(row):
                    put(pages[name], number, i, value)
        self._dictionary(dictionary)
        pages[self.policy.root].activate()
        return self.book.close()

    # The sheets that explain.

    def _readme(self, page: Any, policy_path: str, file: str) -> None:
        page.hide_gridlines(2)
        page.set_column(0, 0, 26)
        page.set_column(1, 1, 90)
        wrap = self.book.format(text_wrap=True, valign="top")
        page.merge_range(0, 0, 0, 1, self.policy.title.said(self.lang), self.book.format(bold=True, font_size=15, text_wrap=True))
        page.set_row(0, 42)
        row = 2
        for text in INSTRUCTIONS[self.lang]:
            said = text.format(columns=DICTIONARY.said(self.lang), policy=policy_path, file=file)
            page.merge_range(row, 0, row, 1, said, wrap)
            page.set_row(row, 33 if len(said) > 120 else 18)
            row += 1
        row += 1
        page.write_row(row, 0, [word("sheet", self.lang), word("one_row", self.lang)], self.book.heading())
        for name, sheet in self.sheets.items():
            row += 1
            page.write_url(
                row, 0, f"internal:'{self.titles[name]}'!A1", self.book.format(font_color="blue", underline=1), self.titles[name]
            )
            above = f"; {word('belongs', self.lang)}: {self.titles[sheet.owners[-1]]}" if sheet.owners else ""
            page.write_string(row, 1, self.titles[name] + above)
        page.set_landscape()
        page.fit_to_pages(1, 0)

    def _dictionary(self, page: Any) -> None:
        heads = [word(k, self.lang) for k in ("sheet", "column", "what", "supplied", "note", "name")]
        for i, (head, wide) in enumerate(zip(heads, (20, 38, 60, 24, 60, 34), strict=True)):
            page.set_column(i, i, wide)
            page.write_string(0, i, head, self.book.heading())
        wrap = self.book.format(text_wrap=True, valign="top")
        row = 0
        for name, sheet in self.sheets.items():
            for column in sheet.columns:
                row += 1
                by, note = self._by(column), self._note(column)
                texts = (self.titles[name], column.headings.said(self.lang), self._what(column), by, note, column.name)
                for i, text in enumerate(texts):
                    page.write_string(row, i, text, wrap)
        page.freeze_panes(1, 2)
        page.autofilter(0, 0, row, len(heads) - 1)
        self._printed(page)

    def _lists(self, page: Any) -> None:
        """The options of each choice under its name, for the lists of the cells; `none` at the end where there may be none."""
        wanted: dict[tuple[str, ...], str] = {}
        for sheet in self.sheets.values():
            for column in sheet.columns:
                options = self._options(column)
                if options:
                    type_ = column.type
                    wanted.setdefault(
                        options, type_.name.replace("_", " ") if isinstance(type_, ChoiceType) else word("boolean", self.lang)
                    )
        for i, (options, name) in enumerate(wanted.items()):
            page.write_string(0, i, name, self.book.heading())
            page.set_column(i, i, max(14, min(50, max(len(o) for o in options) + 3)))
            for row, option in enumerate(options, 1):
                page.write_string(row, i, option)
            at = letters(i)
            self.lists[options] = f"='{CHOICES.said(self.lang)}'!${at}$2:${at}${len(options) + 1}"
        page.freeze_panes(1, 0)

    def _options(self, column: Column) -> tuple[str, ...]:
        if column.kind != "fact" or column.fact is None:
            return ()
        type_ = column.type
        options: tuple[str, ...] = ()
        if type_ == BOOLEAN:
            options = (word("yes", self.lang), word("no", self.lang))
        elif isinstance(type_, ChoiceType):
            options = choice_words(type_, self.lang)
        return (*options, none_word(type_, self.lang)) if options and column.fact.optional else options

    # The sheets that are filled in.

    def _sheet(self, page: Any, sheet: Sheet) -> None:
        for i, column in enumerate(sheet.columns):
            heading = column.headings.said(self.lang)
            wide = width(heading, column.type, self.lang)
            type_ = _cell_type(self.policy, column)
            shade = {"bg_color": "#DDEBF7"} if column.is_key else {"bg_color": PALE} if column.kind == "count" else {}
            page.set_column(i, i, wide, self.book.cell(type_, **shade))
            page.write_string(0, i, heading, self.book.heading(column.is_key))
            page.write_comment(0, i, self._comment(column), {"x_scale": 2.4, "y_scale": 1.6, "author": "Bandolo"})
            self._validation(page, i, column, type_)
        types = [_cell_type(self.policy, c) for c in sheet.columns]
        codes_are_texts(page, [i for i, type_ in enumerate(types) if type_ == TEXT])
        page.set_row(0, 33)  # headings of two lines
        keys = [i for i, c in enumerate(sheet.columns) if c.is_key]
        page.freeze_panes(1, max(keys) + 1 if keys else 0)
        page.autofilter(0, 0, 0, len(sheet.columns) - 1)
        self._printed(page)

    @staticmethod
    def _printed(page: Any) -> None:
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.set_footer("&L&A&R&P / &N")

    def _validation(self, page: Any, i: int, column: Column, type_: Type) -> None:
        options = self._options(column)
        shown = {"error_title": word("not_so", self.lang), "error_message": self._what(column)[:255]}
        optional = column.kind == "fact" and column.fact is not None and column.fact.optional
        rule: dict[str, Any] | None = None
        if options:
            rule = {"validate": "list", "source": self.lists[options]}
        elif (target := self._keys_of(column)) is not None:
            rule = {"validate": "list", "source": target, "error_type": "warning"}
        elif optional:
            return  # a list of Excel's kinds would refuse the word for `none`
        elif type_ in (DATE, DATETIME):
            rule = {"validate": "date", "criteria": ">=", "value": FIRST_DAY}
        elif type_ == INTEGER:
            rule = {"validate": "integer", "criteria": "between", "minimum": -(10**14), "maximum": 10**14}
        elif type_ in (MONEY, NUMBER, PERCENT):
            rule = {"validate": "decimal", "criteria": "between", "minimum": -(10**13), "maximum": 10**13}
        if rule is not None:
            page.data_validation(1, i, LAST, i, {**rule, **shown})

    def _keys_of(self, column: Column) -> str | None:
        """The cells that hold the keys which a column may name: those of its owner, or of what it refers to."""
        entity = column.entity if column.kind == "owner" else column.type.entity if isinstance(column.type, RecordType) else None
        if entity is None or (column.kind == "owner" and self.sheets[entity].owners):
            return None
        at = next((i for i, c in enumerate(self.sheets[entity].columns) if c.is_key and c.kind != "owner"), None)
        return None if at is None else f"='{self.titles[entity]}'!${letters(at)}$2:${letters(at)}${KEYS_OFFERED}"

    # What is said of a column.

    def _what(self, column: Column) -> str:
        lang = self.lang
        if column.kind == "owner":
            return word("owner", lang, sheet=self.titles[column.entity])
        if column.kind == "line" or column.fact is None:
            return word("line", lang)
        if column.kind == "count":
            return word("count", lang, sheet=self.titles[listed_entity(column.fact) or ""])
        said = to_write(column.type, lang, self.currency, self.titles)
        said = said[:1].upper() + said[1:]
        if column.fact.key:
            return f"{word('key', lang)} ({to_write(column.type, lang, self.currency, self.titles)})"
        return f"{said}. {word('optional', lang)}" if column.fact.optional else said

    @staticmethod
    def _fact(column: Column) -> core.FactDeclaration | None:
        return column.fact if column.kind in ("fact", "count") else None

    def _by(self, column: Column) -> str:
        fact = self._fact(column)
        return fact.by.said(self.lang) if fact is not None and fact.by is not None else ""

    def _note(self, column: Column) -> str:
        fact = self._fact(column)
        return fact.words.note.said(self.lang) if fact is not None and fact.words.note is not None else ""

    def _comment(self, column: Column) -> str:
        by, note = self._by(column), self._note(column)
        parts = [self._what(column), f"{word('supplied', self.lang)}: {by}" if by else "", note]
        return "\n".join(p for p in parts if p)[:1_500]


def _cell_type(policy: core.Policy, column: Column) -> Type:
    """What the cells of a column are formatted as."""
    if column.kind == "count":
        return INTEGER
    type_ = column.type
    if isinstance(type_, RecordType):
        key = policy.entities[type_.entity].key
        return key.type if key is not None else TEXT
    return TEXT if isinstance(type_, ListType) or column.kind == "line" else type_
