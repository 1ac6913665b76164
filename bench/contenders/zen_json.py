"""zen-engine's graph from JSON to JSON: only the answer is written."""

from __future__ import annotations

import json
from typing import Any

from contenders import zen_graph


class Contender(zen_graph.Contender):
    title = "zen-engine, graph, JSON bytes to JSON bytes"
    form = "json_bytes"

    def decide(self, application: Any) -> Any:
        return json.dumps(self.evaluate(json.loads(application))["result"]).encode()

    def answer(self, decided: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(decided)
        return found
