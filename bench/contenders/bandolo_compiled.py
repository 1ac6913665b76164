"""This engine: a complete application in one pass of the policy's program, and all that it came to read out of the decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bandolo import load_policy
from contenders import Base
from workload import REASONS

POLICY = Path(__file__).resolve().parents[1] / "filiere.yaml"


class Contender(Base):
    title = "Bandolo, compiled: outcome, all verdicts, results"
    form = "flat"
    engine: Any = "compiled"

    def prepare(self) -> None:
        self.policy = load_policy(POLICY)

    def decide(self, application: Any) -> Any:
        decision = self.policy.decide(application, engine=self.engine)
        return decision.outcome, decision.verdicts, decision.failed(), decision.results

    def answer(self, decided: Any) -> dict[str, Any]:
        outcome, _, failed, results = decided
        return {"eligible": outcome == "admitted", "reasons": [r for r in REASONS if r in failed], **results}
