"""Python code built from templates that are written here: no text of a policy ever becomes code.

A template is ordinary Python in which capital names stand for pieces; the pieces are syntax trees, numbers or names made by a program.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

Piece = ast.expr | str | int | bool | None


def name(identifier: str) -> ast.expr:
    return ast.Name(identifier, ast.Load())


def literal(value: int | bool | None) -> ast.expr:
    return ast.Constant(value)


def text(word: str) -> ast.expr:
    """A name of the policy as a constant: the compiler is given the value, never its spelling."""
    return ast.Constant(word)


def code(template: str, **pieces: Piece) -> ast.expr:
    """The expression of a template; a piece that is text is the name of a variable."""
    made: ast.expr = _filled(_expression(template), {k: _tree(v) for k, v in pieces.items()})
    return made


def lines(template: str, **pieces: Piece) -> list[ast.stmt]:
    """The statements of a template."""
    trees = {k: _tree(v) for k, v in pieces.items()}
    return [_filled(statement, trees) for statement in _statements(template)]


def is_plain(tree: ast.expr) -> bool:
    """Whether it costs nothing to say it twice."""
    return isinstance(tree, ast.Name | ast.Constant)


def number(tree: ast.expr) -> int | None:
    """The whole number that an expression always is, if it is one."""
    return tree.value if isinstance(tree, ast.Constant) and type(tree.value) is int else None


def times(tree: ast.expr, factor: int | ast.expr) -> ast.expr:
    """A product, worked out where both are known."""
    known, by = number(tree), factor if isinstance(factor, int) else number(factor)
    if by == 1:
        return tree
    if known is not None and by is not None:
        return literal(known * by)
    if known == 1 and isinstance(factor, ast.expr):
        return factor
    return code("V * F", V=tree, F=factor)


def function(named: str, takes: list[str], body: list[ast.stmt]) -> ast.FunctionDef:
    """A function of some arguments."""
    return ast.FunctionDef(named, ast.arguments([], [ast.arg(a) for a in takes], None, [], [], None, []), body, [])


def compiled(tree: ast.FunctionDef, called: str, table: dict[str, Any]) -> Any:
    """A function made of code written in this package; `table` has what it finds by name, and `called` says what it is in a traceback."""
    exec(compile(ast.fix_missing_locations(ast.Module([tree], [])), f"<bandolo {called}>", "exec"), table)
    return table[tree.name]


def _tree(piece: Piece) -> ast.expr:
    if isinstance(piece, ast.expr):
        return piece
    return name(piece) if isinstance(piece, str) else literal(piece)


@cache
def _expression(template: str) -> ast.expr:
    return ast.parse(template, mode="eval").body


@cache
def _statements(template: str) -> tuple[ast.stmt, ...]:
    return tuple(ast.parse(template).body)


def _filled(node: Any, pieces: dict[str, ast.expr]) -> Any:
    """A copy of a template's tree, its capital names replaced."""
    if isinstance(node, ast.Name):
        piece = pieces.get(node.id)
        if piece is None:
            return ast.Name(node.id, node.ctx)
        if isinstance(piece, ast.Name) and not isinstance(node.ctx, ast.Load):
            return ast.Name(piece.id, node.ctx)
        return piece
    made = type(node)()
    for key in node._fields:
        value = getattr(node, key, None)
        if isinstance(value, list):
            value = [_filled(v, pieces) if isinstance(v, ast.AST) else v for v in value]
        elif isinstance(value, ast.AST):
            value = _filled(value, pieces)
        elif key == "attr" and isinstance(value, str) and isinstance(piece := pieces.get(value), ast.Name):
            value = piece.id
        setattr(made, key, value)
    return made
