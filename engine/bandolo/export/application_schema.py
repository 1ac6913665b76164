"""The JSON Schema (2020-12) of an application to a policy: for forms, for portals, for whoever sends applications.

It says what can be said of shapes, choices, spellings and lengths; ranges of amounts and dates, keys given twice and references are
checked when the application is read.
"""

from __future__ import annotations

from typing import Any

from bandolo import limits
from bandolo.check import core
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    ChoiceType,
    DurationType,
    Language,
    ListType,
    OptionalType,
    RecordType,
    Type,
)  # fmt: skip

AMOUNT = r"^-?(0|[1-9][0-9]*)(\.[0-9]{1,2}0*)?$"
DECIMAL = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"


def application_schema(policy: core.Policy, lang: Language = "en") -> dict[str, Any]:
    """The schema, with the labels and notes of the facts in a language. A fact that is absent is unknown, so none is required."""
    definitions = {name: _entity(policy, entity, lang) for name, entity in policy.entities.items() if name != policy.root}
    root = _entity(policy, policy.entities[policy.root], lang)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:bandolo:{policy.id}:{policy.digest.removeprefix('sha256:')[:16]}",
        "title": policy.title.said(lang),
        **root,
        "$defs": definitions,
    }


def _entity(policy: core.Policy, entity: core.Entity, lang: Language) -> dict[str, Any]:
    properties = {fact.name: _fact(policy, fact, lang) for fact in entity.facts.values()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _fact(policy: core.Policy, fact: core.FactDeclaration, lang: Language) -> dict[str, Any]:
    inner = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
    one = _type(policy, inner, fact.at_most, lang)
    if fact.asked:
        # One value for each stage that asks; a bare value is that of the first.
        moments = {"type": "object", "properties": dict.fromkeys(fact.asked, _or_null(one)), "additionalProperties": False}
        one = {"anyOf": [one, moments]}
    schema = _or_null(one)
    if fact.words.label is not None:
        schema = {"title": fact.words.label.said(lang), **schema}
    notes = [t.said(lang) for t in (fact.words.note,) if t is not None]
    notes += [f"{ {'it': 'Fornito da', 'en': 'Supplied by'}[lang] }: {fact.by.said(lang)}"] if fact.by is not None else []
    return {**schema, "description": ". ".join(notes)} if notes else schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """`null` is `none` for an optional fact, and as good as absent for another."""
    return {"anyOf": [schema, {"type": "null"}]}


def _type(policy: core.Policy, type_: Type, at_most: int | None, lang: Language) -> dict[str, Any]:
    match type_:
        case ChoiceType(options=options, labels=labels):
            if not labels:
                return {"enum": list(options)}
            return {"oneOf": [{"const": o, "title": labels[o][lang == "en"] if o in labels else o} for o in options]}
        case RecordType(entity=entity):
            key = policy.entities[entity].key
            return _type(policy, key.type, None, lang) if key is not None else {"type": "string"}
        case ListType(item=item):
            inner = {"$ref": f"#/$defs/{item.entity}"} if isinstance(item, RecordType) else _type(policy, item, None, lang)
            return {"type": "array", "items": inner, "maxItems": at_most if at_most is not None else limits.LIST_LENGTH}
        case DurationType():
            return {"type": "string", "pattern": r"^[0-9]+ (days?|weeks?|months?|years?)$"}
    simple: dict[Type, dict[str, Any]] = {
        BOOLEAN: {"type": "boolean"},
        INTEGER: {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.0+)?$"}]},
        NUMBER: {"anyOf": [{"type": "number"}, {"type": "string", "pattern": DECIMAL}]},
        PERCENT: {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?%$"},
        MONEY: {"anyOf": [{"type": "number"}, {"type": "string", "pattern": AMOUNT[:-1] + f"( {policy.conventions.currency})?$"}]},
        DATE: {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        DATETIME: {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?$"},
    }
    return simple.get(type_, {"type": "string", "maxLength": limits.TEXT_CHARACTERS})


def schema_errors(schema: dict[str, Any], data: Any) -> list[str]:
    """Every error of some data against a schema, as `$.path: message`, in order."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    errors = [leaf for error in validator.iter_errors(data) for leaf in _leaves(error)]
    lines = [f"{_path(e.absolute_path)}: {_message(e)}" for e in sorted(errors, key=lambda e: [str(p) for p in e.absolute_path])]
    return list(dict.fromkeys(lines))


def _message(error: Any) -> str:
    """What is wrong; of a choice with labels, the words that are allowed, as an `enum` would say it."""
    if error.validator == "oneOf" and all("const" in option for option in error.validator_value):
        return f"{error.instance!r} is not one of {[option['const'] for option in error.validator_value]}"
    return str(error.message)


def _path(parts: Any) -> str:
    return "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts)


def _leaves(error: Any) -> list[Any]:
    """The errors inside the alternative that was most likely meant: the one that fits furthest down."""
    if error.validator != "anyOf" or not error.context:
        return [error]
    by_alternative: dict[int, list[Any]] = {}
    for inner in error.context:
        by_alternative.setdefault(inner.relative_schema_path[0], []).extend(_leaves(inner))
    return max(by_alternative.values(), key=lambda leaves: max(len(e.absolute_path) for e in leaves))
