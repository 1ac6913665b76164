"""`make schemas`: writes what is generated into `grammar/`. A test holds the files against what this would write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bandolo.export.calendar_data import calendar_schema
from bandolo.export.decision_schema import decision_schema
from bandolo.export.difference_schema import difference_schema
from bandolo.export.policy_schema import FILES, file_schema
from bandolo.export.ranking_schema import ranking_schema
from bandolo.export.record_schema import record_schema
from bandolo.export.reference_tables import refreshed
from bandolo.language.calendar import PLACES, places_known
from bandolo.resources import grammar_folder, grammar_text
from bandolo.syntax.by_lark import table_data
from bandolo.syntax.table import GRAMMAR, TABLE


def published() -> dict[str, str]:
    """The text of each generated file, by its name in `grammar/`."""
    return {
        **{f"{kind}.schema.json": _text(file_schema(kind)) for kind in FILES},
        "decision.schema.json": _text(decision_schema()),
        "calendar.schema.json": _text(calendar_schema()),
        "difference.schema.json": _text(difference_schema()),
        "ranking.schema.json": _text(ranking_schema()),
        "record.schema.json": _text(record_schema()),
        TABLE: json.dumps(table_data(grammar_text(GRAMMAR)), ensure_ascii=False, separators=(",", ":")).replace("},{", "},\n{") + "\n",
        "LANGUAGE.md": refreshed(grammar_text("LANGUAGE.md")),
    }


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    for name, text in published().items():
        (grammar_folder() / name).write_text(text, encoding="utf-8")
    # Of the installed library of holidays, so that no test may hold it to the letter.
    Path(PLACES).write_text(
        "{" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in places_known().items()) + "}\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
