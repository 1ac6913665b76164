"""The schemas in `grammar/` of policy, amendment and case files, generated from their one description, for editors."""

from __future__ import annotations

from typing import Any

from bandolo.syntax import shape as s

NAME = "^[A-Za-z_][A-Za-z0-9_]*$"


FILES = {"policy": s.POLICY, "amendment": s.AMENDMENT, "cases": s.CASES}


def file_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file: policy, amendment, cases. An expression is a text, a number or a truth value to YAML's eyes."""
    schema = _schema(FILES[kind])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Bandolo {kind}", **schema, "$defs": _DEFINITIONS}


def policy_schema() -> dict[str, Any]:
    """The JSON Schema of a policy file."""
    return file_schema("policy")


_SCALAR = {"type": ["string", "number", "boolean"]}
_DEFINITIONS: dict[str, Any] = {
    "expression": {"description": "An expression of the rule language.", "anyOf": [_SCALAR, {"type": "array"}]},
    "text": {
        "anyOf": [
            _SCALAR,
            {"type": "object", "properties": {"it": _SCALAR, "en": _SCALAR}, "additionalProperties": False},
        ]
    },
    "quotes": {
        "anyOf": [
            {"type": "object", "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}},
            {"type": "array", "items": {"type": "object"}},
        ]
    },
    "nested": {"anyOf": [{"$ref": "#/$defs/expression"}, {"type": "object", "additionalProperties": {"$ref": "#/$defs/nested"}}]},
}


def _schema(shape: s.Shape) -> dict[str, Any]:
    if shape is s.QUOTES:
        return {"$ref": "#/$defs/quotes"}
    match shape:
        case s.Expression():
            return {"$ref": "#/$defs/expression"}
        case s.Text() | s.Template():
            return {"$ref": "#/$defs/text"}
        case s.Nested():
            return {"$ref": "#/$defs/nested"}
        case s.Word(words=words):
            return {"enum": [int(w) if w.isdigit() else w for w in words]}
        case s.Ident():
            return {"type": "string", "pattern": NAME}
        case s.Flag():
            return {"type": "boolean"}
        case s.Plain() | s.TypeName():
            return dict(_SCALAR)
        case s.Anything():
            return {}
        case s.AtPaths():
            return {"type": "object"}
        case s.Items(item=item, single=single):
            listed = {"type": "array", "items": _schema(item)}
            return {"anyOf": [listed, _schema(item)]} if single else listed
        case s.Entries(value=value):
            return {
                "anyOf": [{"type": "object", "patternProperties": {NAME: _schema(value)}, "additionalProperties": False}, {"type": "null"}]
            }
        case s.OneOf(scalar=scalar, mapping=mapping, sequence=sequence):
            return {"anyOf": [_schema(part) for part in (scalar, mapping, sequence) if part is not None]}
        case s.Keys():
            return _keys(shape)


def _keys(shape: s.Keys) -> dict[str, Any]:
    properties = {name: {**_schema(key.shape), "description": f"{key.en}\n\n{key.it}"} for name, key in shape.keys.items()}
    if shape.options is not None and shape.by_alone:
        # With `by`, every other key is an option; without it, the keys are fixed.
        fixed = {name: p for name, p in properties.items() if name != "by"}
        chosen = {
            "type": "object",
            "properties": {"by": properties["by"]},
            "required": ["by"],
            "additionalProperties": _schema(shape.options),
            "minProperties": 2,  # `by` alone leaves every option of the reading open
        }
        return {"anyOf": [chosen, {"type": "object", "properties": fixed, "additionalProperties": False} | _filled(shape)]}
    rest: Any = _schema(shape.options) if shape.options is not None else False
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": rest} | _filled(shape)
    required = [name for name, key in shape.keys.items() if key.required]
    return {**schema, "required": required} if required else schema


def _filled(shape: s.Keys) -> dict[str, Any]:
    return {"minProperties": 1} if shape.filled else {}
