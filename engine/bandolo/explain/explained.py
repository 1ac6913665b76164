"""An explanation as host programs hold it: one page, in one language, as Markdown, as plain text or as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.explain.blocks import Block
from bandolo.explain.page import page
from bandolo.explain.reasons import explanation
from bandolo.language.types import Language
from bandolo.records import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """The page that explains a decision. `blocks` are frozen: `Heading`, `Line`, `Quoted` and `Table`, from top to bottom."""

    lang: Language
    blocks: tuple[Block, ...]

    def to_markdown(self) -> str:
        """For letters and files; what comes from the application or the policy is escaped."""
        from bandolo.explain.markdown import markdown

        return markdown(list(self.blocks))

    def to_text(self, width: int = 100) -> str:
        """As `bandolo explain` prints it, without colours; lines wrap at `width`."""
        import io

        from rich.console import Console

        from bandolo.explain.terminal import show

        out = io.StringIO()
        show(Console(file=out, width=width, highlight=False, color_system=None, force_terminal=False), list(self.blocks))
        return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())

    def to_list(self) -> list[dict[str, Any]]:
        """The blocks as plain data, for pages of one's own: each a dict whose `block` says which of the four it is."""
        return [{"block": type(block).__name__.lower(), **_plain(asdict(block))} for block in self.blocks]


def explained(policy: core.Policy, decision: Decision, lang: Language) -> Explained:
    """The explanation of a traced decision."""
    return Explained(lang, tuple(page(explanation(policy, decision), lang)))


def _plain(data: Any) -> Any:
    """Tuples as lists, as they would come back from JSON."""
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    return [_plain(item) for item in data] if isinstance(data, tuple | list) else data
