"""Views as text that a person can read: a line for each column, with what the policy says of it.

Every name and every expression is printed by sqlglot; comments are stripped of what could end them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.language.types import Language
from bandolo.source import Span
from bandolo.sql.dialects import for_dialect
from bandolo.sql.rows import KIND, Rows, col, named

WIDE = 120
LONGEST_COMMENT = 160
STEPS = "decisions__steps"
"""The view of all records with every column, from which the others take theirs."""
STEPS_AT_ONCE = {"spark": 12}
"""Spark resolves a query in a hundred passes at most, of which each step may take some: its steps are views upon views."""


@dataclass(frozen=True)
class Printed:
    """What is to be printed: the rows, the tables before any step, and the views (name, entity, columns)."""

    rows: Rows
    tables: list[tuple[str, Sql]]
    views: tuple[tuple[str, str, list[tuple[str, Sql]]], ...]


def comment_of(policy: core.Policy, words: core.Words, span: Span, lang: Language) -> tuple[str, ...]:
    """What a policy says of an entry: its label and its line, and what its sources say."""
    label = words.label.said(lang) if words.label is not None else ""
    found = [f"{label} (line {span.line})" if label else f"line {span.line}"]
    for source in words.sources:
        document = policy.documents.get(source.document)
        title = document.title.said(lang) if document is not None else source.document
        found.append(f'{title}: "{source.quote}"')
    return tuple(_one_line(f) for f in found)


def _one_line(said: str) -> str:
    """A text that cannot leave its comment."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return plain if len(plain) <= LONGEST_COMMENT else f"{plain[: LONGEST_COMMENT - 1]}…"


def printed_views(made: Printed) -> tuple[str, ...]:
    """The statements that make the views, in the order in which they must be made."""
    rows, dialect = made.rows, made.rows.dialect
    links = [_link(name, _union(query, dialect), dialect, False) for name, query in made.tables]
    last = made.tables[-1][0]
    found: list[str] = []
    shown_at_last = [sql for _, _, shown in made.views for _, sql in shown]
    for name, query, comments, again in rows.links(last):
        kind, _, number = name.partition(" ")
        if dialect in STEPS_AT_ONCE and len(links) >= STEPS_AT_ONCE[dialect] and kind == "step" and not query.args.get("joins"):
            part = f"{STEPS}_{len(found) + 1}"
            found.append(_steps(part, links, last, dialect, rows.needed(shown_at_last, int(number))))
            links = []
            links.append(_link(name, _select(query.from_(named(part, "t")), comments, dialect), dialect, again))
        else:
            links.append(_link(name, _select(query, comments, dialect), dialect, again))
        last = name
    found.append(_steps(STEPS, links, last, dialect))
    for name, entity, shown in made.views:
        query = exp.select(*(exp.alias_(s, n, quoted=True) for n, s in shown)).from_(named(STEPS, "t"))
        query = query.where(exp.EQ(this=exp.column(KIND, table="t", quoted=True), expression=exp.Literal.string(entity)))
        found.append(f"CREATE VIEW {_quoted(name, dialect)} AS\n{_select(query, {}, dialect)}")
    return tuple(found)


def _steps(name: str, links: list[str], last: str, dialect: str, columns: Sequence[str] = ()) -> str:
    """The view of all rows after the last of some steps: every column, or some."""
    every = exp.select(*([col(c) for c in columns] or [exp.Column(this=exp.Star(), table=exp.to_identifier("t", quoted=True))]))
    every = every.from_(named(last, "t"))
    return f"CREATE VIEW {_quoted(name, dialect)} AS\nWITH\n" + ",\n".join(links) + f"\n{_select(every, {}, dialect)}"


def _quoted(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect)


def _link(name: str, body: str, dialect: str, again: bool) -> str:
    inner = "\n".join(f"  {line}" if line else line for line in body.splitlines())
    return f"{_quoted(name, dialect)} AS {_kept(dialect, again)}(\n{inner}\n)"


def _kept(dialect: str, again: bool) -> str:
    """What the planner is told: worked out once, where expressions would be copied into what reads them."""
    match dialect:
        case "postgres":
            return "MATERIALIZED "
        case "duckdb":
            return "MATERIALIZED " if again else "NOT MATERIALIZED "
    return ""


def _union(query: Sql, dialect: str) -> str:
    if isinstance(query, exp.Union):
        return f"{_union(query.this, dialect)}\nUNION ALL\n{_union(query.expression, dialect)}"
    assert isinstance(query, exp.Select)
    return _select(query, {}, dialect)


def _select(query: exp.Select, comments: dict[str, tuple[str, ...]], dialect: str) -> str:
    """A query, a line for each column; what is longer than a line is laid out by sqlglot."""
    lines: list[str] = []
    for n, shown in enumerate(query.expressions):
        said = comments.get(shown.alias, ())
        lines += [f"  -- {line}" for line in said]
        comma = "," if n < len(query.expressions) - 1 else ""
        lines += [f"  {line}" for line in _expression(shown, dialect)]
        lines[-1] += comma
    rest = query.copy()
    rest.set("expressions", [exp.Literal.number(1)])
    tail = for_dialect(rest, dialect).sql(dialect).removeprefix("SELECT 1 ")
    for word in (" LEFT JOIN ", " JOIN ", " WHERE ", " GROUP BY "):
        tail = _broken(tail, word)
    return "SELECT\n" + "\n".join(lines) + f"\n{tail}"


def _broken(tail: str, word: str) -> str:
    """A new line before each clause; quoted names never hold these words in capitals."""
    if word == " JOIN ":
        return tail.replace(" JOIN ", "\nJOIN ").replace("LEFT\nJOIN", "LEFT JOIN")
    return tail.replace(word, f"\n{word.lstrip()}")


def _expression(sql: Sql, dialect: str) -> list[str]:
    made = for_dialect(sql, dialect)
    line = made.sql(dialect)
    return [line] if len(line) <= WIDE else made.sql(dialect, pretty=True, max_text_width=WIDE).splitlines()
