"""This engine: the decision alone, all verdicts and results computed, none of them looked at yet."""

from __future__ import annotations

from typing import Any

from contenders import bandolo_compiled
from workload import REASONS


class Contender(bandolo_compiled.Contender):
    title = "Bandolo, compiled: the decision"

    def decide(self, application: Any) -> Any:
        return self.policy.decide(application, engine="compiled")

    def answer(self, decided: Any) -> dict[str, Any]:
        reasons = [r for r in REASONS if r in decided.failed()]
        return {"eligible": decided.outcome == "admitted", "reasons": reasons, **decided.results}
