"""Small policies for tests: a policy in the fewest lines that show one behaviour, and what comes of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bandolo.diagnostics import ApplicationError, Diagnostic
from bandolo.evaluate.data import Plain
from bandolo.evaluate.decision import Decision
from bandolo.pipeline import load
from bandolo.policy import Policy, policy_from_bytes

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "cases"
LIVE_POLICIES = (
    ROOT / "policies" / "bando_2023.yaml",
    ROOT / "policies" / "manifestazione_2022.yaml",
    ROOT / "tests" / "policies" / "rural_services_2025.yaml",
)  # the policies that people use, and the invented one

HEAD = """\
bandolo: 1
policy: {id: small, title: A small policy, decides: project, money_rounding: down, month_rounding: down}
"""


def written(sections: str) -> str:
    """The text of a policy with the usual head (`decides: project`) and the given sections."""
    text = textwrap.dedent(sections).strip("\n") + "\n"
    return text if text.startswith("bandolo:") else HEAD + text


def policy(sections: str, *amendments: str) -> Policy:
    """A checked policy; PolicyError if it has mistakes."""
    acts = [(f"amendment{i}.yaml", textwrap.dedent(a).encode()) for i, a in enumerate(amendments, 1)]
    return policy_from_bytes("small.yaml", written(sections).encode(), acts)


def decide(sections: str | Policy, application: Mapping[str, Any] | None = None, **options: Any) -> Decision:
    """The decision on an application; its texts may be spelt as in a policy (`100 EUR`, `50%`)."""
    made = sections if isinstance(sections, Policy) else policy(sections)
    return made.decide(plain(application or {}), **options)


def refused(sections: str | Policy, application: Mapping[str, Any], **options: Any) -> list[str]:
    """The codes, each with its path, for which an application is refused as bad data."""
    try:
        decide(sections, application, **options)
    except ApplicationError as error:
        return [f"{d.code} {d.path}" for d in error.diagnostics]
    return []


def plain(data: Any) -> Any:
    """Data with its texts taken as YAML's unquoted words, so that amounts may be written as in a policy."""
    if isinstance(data, Mapping):
        return {k: plain(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [plain(v) for v in data]
    return Plain(data) if type(data) is str else data


def found(sections: str | bytes, *amendments: str) -> list[Diagnostic]:
    """Everything that is said of a policy."""
    content = sections if isinstance(sections, bytes) else written(sections).encode()
    return list(
        load("small.yaml", content, [(f"amendment{i}.yaml", textwrap.dedent(a).encode()) for i, a in enumerate(amendments, 1)]).diagnostics
    )


def codes(sections: str | bytes, *amendments: str) -> list[str]:
    """The codes of the errors of a policy, in order of place."""
    return [d.code for d in found(sections, *amendments) if d.severity == "error"]
