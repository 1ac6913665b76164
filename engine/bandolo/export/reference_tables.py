"""The generated tables of `grammar/LANGUAGE.md`: operations, keys, reserved words and budgets, as Markdown.

In the page a table stands between `<!-- generated: NAME -->` and `<!-- end -->`. Each is made from the one place that says it: the
library, the shape of a policy file, the checker's reserved words, the limits. A test holds the page against what this gives.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bandolo import limits
from bandolo.check.symbols import KEYWORDS, RESERVED, SCORING_NAMES
from bandolo.language.library import OPERATIONS
from bandolo.syntax import shape as s

KINDS = {"operator": "operator", "function": "function", "aggregate": "of lists"}


def operations() -> str:
    """One row for each operation of the library: what it takes and gives, what it means, examples."""
    rows = []
    for row in OPERATIONS:
        signatures = "<br>".join(f"`{signature}`" for signature in row.signatures)
        examples = "<br>".join(f"`{expression} => {value}`" for expression, value in row.examples)
        rows.append((f"`{row.name}`", KINDS[row.kind], signatures, row.en, examples))
    return _table(("name", "kind", "takes -> gives", "means", "examples"), rows)


def reserved() -> str:
    """The words that the language keeps for itself, by what may not be called so."""
    rest = [word for word in RESERVED if word not in KEYWORDS]
    rows = [
        (_codes(KEYWORDS), "Nothing at all, options of choices and readings included: an expression could not name it."),
        (_codes(rest), "No fact, definition, requirement, parameter, rate table, band table, formula, entity or choice."),
        (_codes(SCORING_NAMES), "In a policy with `scoring`: no fact, definition or requirement of the entity that is decided on."),
        ("`minimum_score`", "In a policy with a minimum score: no requirement of any entity."),
    ]
    return _table(("words", "what may not be called so"), rows)


def budgets() -> str:
    """The limits of the engine, each with what is said when it is exceeded."""
    pattern = re.compile(r"^([A-Z_]+): Final = ([0-9_]+)  # (.*)$", re.MULTILINE)
    rows = [(f"`{name}`", value, _linked(comment)) for name, value, comment in pattern.findall(inspect.getsource(limits))]
    return _table(("limit", "at most", "what is said"), rows)


def _linked(comment: str) -> str:
    """A comment of `limits.py`, with the code that it begins with in backticks."""
    return re.sub(r"^([a-z]+(?:-[a-z]+)+)", r"`\1`", comment)


def sections() -> str:
    """The sections of a policy file."""
    rows = [(f"`{name}`", key.en, "yes" if key.required else "") for name, key in s.POLICY.keys.items()]
    return _table(("section", "holds", "required"), rows)


def keys(name: str) -> str:
    """The keys of a section of a policy file, or of an amendment or a case file, in the order of the shape."""
    files = {"amendment": s.AMENDMENT, "cases": s.CASES}
    shape: s.Shape = files[name] if name in files else s.POLICY.keys[name].shape
    return _table(("key", "holds", "means"), list(_rows(shape, ())))


def _rows(shape: s.Shape, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A row for every key inside a shape, those of `COMMON` together in one at the end."""
    match shape:
        case s.Keys(keys=inner, options=options):
            common = [k for k, key in inner.items() if s.COMMON.get(k) is key]
            for name, key in inner.items():
                if name in common:
                    continue
                here = (*path, name)
                yield " ".join(f"`{p}`" for p in here), _holds(key.shape) + (", required" if key.required else ""), key.en
                yield from _rows(key.shape, here)
            if options is not None:
                yield " ".join((*(f"`{p}`" for p in path), "*option*")), _holds(options), "With `by`: what holds for that option."
            if common:
                yield " ".join((*(f"`{p}`" for p in path), _codes(common))), "see 3.1", "Words for people, and the passages quoted."
        case s.Entries(value=value):
            yield from _rows(value, path)
        case s.Items(item=item):
            yield from _rows(item, path)
        case s.OneOf(scalar=scalar, mapping=mapping, sequence=sequence):
            for part in (scalar, mapping, sequence):
                if part is not None and part is not s.QUOTES.item:
                    yield from _rows(part, path)


def _holds(shape: s.Shape) -> str:
    """In a few words, what may be written for a shape."""
    match shape:
        case s.Word(words=words):
            return " or ".join(f"`{word}`" for word in words) if len(words) < 3 else _codes(words)
        case s.Flag():
            return "`true` or `false`"
        case s.Items(item=item, single=single):
            if shape is s.QUOTES:
                return "quotes"
            return f"list of: {_holds(item)}" + ("; or a single one" if single else "")
        case s.Entries(value=value):
            return f"names, each with: {_holds(value)}"
        case s.OneOf():
            parts = [_holds(part) for part in (shape.scalar, shape.mapping, shape.sequence) if part is not None]
            return "; or ".join(dict.fromkeys(parts))
        case s.Keys(keys=inner, options=options):
            return "by a reading" if options is not None and set(inner) == {"by"} else "keys"
        case _:
            return _WORDS[type(shape)]


_WORDS: dict[type, str] = {
    s.Expression: "expression", s.Ident: "name", s.TypeName: "type", s.Plain: "plain text", s.Text: "text", s.Template: "message",
    s.Nested: "expressions, nested", s.Anything: "data", s.AtPaths: "paths, each with what then stands there",
}  # fmt: skip


def _codes(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {
    "operations": operations,
    "reserved words": reserved,
    "budgets": budgets,
    "sections": sections,
    **{f"keys of {name}": partial(keys, name) for name in (*s.POLICY.keys, "amendment", "cases") if name != "bandolo"},
}


def refreshed(page: str) -> str:
    """The page with every generated table made anew; KeyError if it asks for one that is not there."""
    pattern = re.compile(r"(<!-- generated: ([a-z_ ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return pattern.sub(lambda match: f"{match.group(1)}{TABLES[match.group(2)]()}\n{match.group(3)}", page)
