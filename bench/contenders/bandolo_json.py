"""This engine from JSON to JSON: the bytes of an application to those of its whole decision, every verdict of every partner written out."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from contenders import bandolo_compiled
from workload import REASONS, applications, in_form


class Contender(bandolo_compiled.Contender):
    title = "Bandolo, compiled: JSON bytes to JSON bytes, everything"
    form = "bytes"

    def prepare(self) -> None:
        super().prepare()
        self.policy.decide(in_form(applications(1)[0], "flat"), engine="compiled")

    def decide(self, application: Any) -> Any:
        return self.policy.decide_json(application)

    def answer(self, decided: Any) -> dict[str, Any]:
        data = json.loads(decided)
        failed = {r["id"] for r in data["requirements"] if r["verdict"] == "failed"}
        return {
            "eligible": data["outcome"] == "admitted",
            "reasons": [r for r in REASONS if r in failed],
            "contribution": Decimal(data["results"]["contribution"]),
            "score": data["results"]["score"],
        }
