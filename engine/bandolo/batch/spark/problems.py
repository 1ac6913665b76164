"""What can go wrong with a batch inside Spark, as diagnostics; and how one that a task found comes back from there."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bandolo.diagnostics import Diagnostic

MARK = "bandolo-diagnostic:"
"""Before the diagnostic in the text of an exception: text is all that Spark brings back from a task."""
FOUND = re.compile(re.escape(MARK) + r" ([A-Za-z0-9+/=]+)")


class NotRun(Exception):
    """A batch that Spark did not run, or did not finish; `diagnostic` says why."""

    def __init__(self, code: str, **args: object) -> None:
        self.diagnostic = Diagnostic(code, args=args)
        super().__init__(f"{code} {args}" if args else code)


def told(diagnostic: Diagnostic) -> str:
    """A diagnostic as text that survives the way from a task."""
    args = {name: value if isinstance(value, int) else str(value) for name, value in diagnostic.args.items()}
    return f"{MARK} {base64.b64encode(json.dumps([diagnostic.code, args]).encode()).decode()}"


def found_in(text: str) -> tuple[str, dict[str, Any]] | None:
    """The code and arguments of the diagnostic that a task found, if this is what the text tells."""
    found = FOUND.search(text)
    if found is None:
        return None
    code, args = json.loads(base64.b64decode(found[1]))
    return code, args


@contextmanager
def said() -> Iterator[None]:
    """Failures of Spark in what is done meanwhile, as NotRun."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        text = str(error)
        if (found := found_in(text)) is not None:
            code, args = found
            raise NotRun(code, **args) from None
        if "No module named 'bandolo" in text:
            raise NotRun("spark-no-engine") from None
        raise NotRun("spark-failed", reason=_reason(text)) from None


def _reason(text: str) -> str:
    """The one line of a failure that says most: the last of a Python traceback, else the first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    traced = [i for i, line in enumerate(lines) if line.startswith("Traceback")]
    if traced:
        errors = [line for line in lines[traced[-1] :] if re.match(r"[\w.]+(Error|Exception|Interrupt|Exit)\b", line)]
        if errors:
            return errors[0]
    cause = next((line for line in lines if line.startswith("Caused by:")), None)
    return (cause.removeprefix("Caused by:").strip() if cause else lines[0] if lines else "?")[:300]
