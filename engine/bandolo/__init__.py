"""Bandolo: public funding calls as checked, executable policy files.

    from bandolo import load_policy

    policy = load_policy("policies/bando_2023.yaml")
    decision = policy.decide(application, as_of="2023-03-01")
    print(decision.outcome, decision.failed(), decision.results, decision.missing)

`ls` of this package, in the order in which a policy goes through it:

    source       text with places                            syntax/    text → ast, the policy as written
    diagnostics/ what can be said to a user                  check/     ast → core, the policy as meant
    language/    types, values, the table of functions       evaluate/  core + application → decision
    pipeline     the driver, one line an arrow               explain/   decision → reasons → words
    policy       what a host program holds                   surfaces/  the command line; testing/, export/: uses of a policy
    ranking/     strikes, order, ties and budget over all applications, behind `rank`
    cache/       compiled policies, kept between runs as data
    agenda       deadlines and terms as data, behind `Policy.calendar`
    testing/     cases, what they look at, what they would miss            analysis/  what changes between two policies, and for whom
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bandolo.version import __version__

if TYPE_CHECKING:
    from bandolo.agenda import Agenda, Term
    from bandolo.analysis.difference.change import Change, Difference
    from bandolo.analysis.difference.difference import difference
    from bandolo.analysis.impact import Impact, impact
    from bandolo.diagnostics import ApplicationError, BandoloError, Diagnostic, PolicyError
    from bandolo.evaluate.decision import Decision, RequirementResult
    from bandolo.explain.explained import Explained
    from bandolo.policy import Policy, load_policy
    from bandolo.ranking.entrant import Ranking
    from bandolo.ranking.rank import completed, rank
    from bandolo.surfaces.intake import read_applications

_PLACES = {
    "Change": "bandolo.analysis.difference.change",
    "Difference": "bandolo.analysis.difference.change",
    "difference": "bandolo.analysis.difference.difference",
    "Impact": "bandolo.analysis.impact",
    "impact": "bandolo.analysis.impact",
    "Agenda": "bandolo.agenda",
    "ApplicationError": "bandolo.diagnostics",
    "BandoloError": "bandolo.diagnostics",
    "Diagnostic": "bandolo.diagnostics",
    "PolicyError": "bandolo.diagnostics",
    "Decision": "bandolo.evaluate.decision",
    "RequirementResult": "bandolo.evaluate.decision",
    "Term": "bandolo.agenda",
    "Explained": "bandolo.explain.explained",
    "Policy": "bandolo.policy",
    "Ranking": "bandolo.ranking.entrant",
    "completed": "bandolo.ranking.rank",
    "rank": "bandolo.ranking.rank",
    "read_applications": "bandolo.surfaces.intake",
    "load_policy": "bandolo.policy",
}

__all__ = [
    "Agenda",
    "ApplicationError",
    "BandoloError",
    "Change",
    "Decision",
    "Diagnostic",
    "Difference",
    "Explained",
    "Impact",
    "Policy",
    "PolicyError",
    "Ranking",
    "RequirementResult",
    "Term",
    "__version__",
    "completed",
    "difference",
    "impact",
    "load_policy",
    "rank",
    "read_applications",
]


if not TYPE_CHECKING:  # a checker that knows of it takes any name for one of ours

    def __getattr__(name: str) -> Any:
        """Public names are imported when they are first used: `import bandolo` itself costs next to nothing."""
        if name not in _PLACES:
            raise AttributeError(f"module 'bandolo' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """The public names, also those that nothing has used yet: for shells and editors that complete."""
    return sorted({*globals(), *__all__})
