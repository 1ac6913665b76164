"""One look at a few sums must tell of every amount: so on every way through the loop each amount goes into a sum, once at least.

Most go into the sums that the policy asks for; what goes into none on some way is added to a sum of its own.
"""

from __future__ import annotations

import ast

from bandolo.plan.quote import lines, name


def added_up(body: list[ast.stmt], parts: list[str], rest: str) -> list[str]:
    """See to it that `body` adds up every part, the others in `rest`; gives the names of all the sums."""
    _fill(body, set(parts), rest)
    sums: dict[str, None] = {rest: None}
    for statement in body:
        for node in ast.walk(statement):
            if _adds(node, set(parts)) is not None:
                assert isinstance(node, ast.AugAssign)
                assert isinstance(node.target, ast.Name)
                sums[node.target.id] = None
    return list(sums)


def _fill(body: list[ast.stmt], needed: set[str], rest: str) -> None:
    left = needed - {part for s in body if (part := _adds(s, needed)) is not None}
    for statement in body:
        if isinstance(statement, ast.If):
            here = left & {part for n in ast.walk(statement) if (part := _adds(n, left)) is not None}
            if here:
                _fill(statement.body, here, rest)
                _fill(statement.orelse, here, rest)
                left -= here
    for part in sorted(left):
        body += lines("T += P", T=rest, P=name(part))


def _adds(node: ast.AST, parts: set[str]) -> str | None:
    """The part that a statement adds to a sum."""
    match node:
        case ast.AugAssign(op=ast.Add(), target=ast.Name(), value=ast.Name(id=part)) if part in parts:
            return part
    return None
