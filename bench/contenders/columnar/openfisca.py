"""OpenFisca, all applications in one simulation. It has no instants, no `none` and floats of 32 bits: cents are off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from workload import COSTS, UNWANTED, WANTED

TITLE = "OpenFisca"
MONTH = "2023-02"
FLAGS = (*WANTED, *UNWANTED, "legality_rating", "is_large", "is_farming")
DAYS = ("submitted_on", "project_start", "project_end", "eoi_submitted_on", "eoi_recognised_on")
NEVER = np.datetime64("9999-12-31", "D")
CLOSING = int(np.datetime64("2023-02-28T16:00:00", "s").astype(np.int64))


def prepared() -> Callable[[dict[str, pa.Table]], dict[str, Any]]:
    from openfisca_core.simulation_builder import SimulationBuilder

    system = _system()

    def decide(given: dict[str, pa.Table]) -> dict[str, Any]:
        """Each simulation keeps what it computed: every round takes its own."""
        projects = {n: given["project"][n].chunk(0) for n in given["project"].column_names}
        partners = {n: given["partner"][n].chunk(0) for n in given["partner"].column_names}
        owner, count = partners["project"].to_numpy(), len(projects["id"])
        builder = SimulationBuilder()
        builder.create_entities(system)
        builder.declare_person_entity("partner", np.arange(len(owner)))
        together = builder.declare_entity("project", np.arange(count))
        builder.join_with_persons(together, owner, np.zeros(len(owner), np.int64))
        simulation = builder.build(system)
        for name, values in (*_of_partners(partners), *_of_projects(projects)):
            simulation.set_input(name, MONTH, values)
        euros = simulation.calculate("contribution", MONTH)
        return {
            "eligible": simulation.calculate("eligible", MONTH), "cents": np.rint(euros.astype(np.float64) * 100).astype(np.int64),
            "score": simulation.calculate("score", MONTH),
        }  # fmt: skip

    return decide


def _of_partners(partners: dict[str, pa.Array]) -> Iterator[tuple[str, Any]]:
    for name in (*WANTED, *UNWANTED, "legality_rating"):
        yield name, partners[name].to_numpy(zero_copy_only=False)
    for name, column, word in (("is_large", "size", "large"), ("is_farming", "ateco_section", "A")):
        words = partners[column].dictionary.to_pylist()
        yield name, partners[column].indices.to_numpy() == (words.index(word) if word in words else -1)
    for name in COSTS:
        yield name, (np.frombuffer(partners[name].buffers()[1], np.int64, len(partners[name])) / 100).astype(np.float32)


def _of_projects(projects: dict[str, pa.Array]) -> Iterator[tuple[str, Any]]:
    sent = projects["submitted_at"].cast(pa.int64()).to_numpy()
    yield "submitted_at", sent.astype(np.int32)
    yield "submitted_on", (sent // 86400).astype("datetime64[D]")
    yield "agreement_signed", projects["agreement_signed"].to_numpy(zero_copy_only=False)
    yield "technical_score", projects["technical_score"].to_numpy().astype(np.int32)
    for name in DAYS[1:]:
        days = projects[name].cast(pa.int32()).fill_null(0).to_numpy().astype("datetime64[D]")
        yield name, np.where(projects[name].is_null().to_numpy(zero_copy_only=False), NEVER, days)


def _system() -> Any:
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    partner = build_entity(key="partner", plural="partners", label="Partner", is_person=True)
    roles = [{"key": "member", "plural": "members", "label": "Member"}]
    project = build_entity(key="project", plural="projects", label="Project", roles=roles)
    system = TaxBenefitSystem([partner, project])

    def add(entity: Any, type_: type, name: str, formula: Any = None) -> None:
        body = {"value_type": type_, "entity": entity, "definition_period": DateUnit.MONTH, "label": name}
        system.add_variable(type(name, (Variable,), body | ({} if formula is None else {"formula": formula})))

    def costs(of: str, large: bool) -> Any:
        def formula(p: Any, month: Any) -> Any:
            members = p.members
            return p.sum(members(of, month) * members("counted", month) * (members("is_large", month) == large))

        return formula

    def contribution(p: Any, month: Any) -> Any:
        capital, current = p("sme_capital", month) + p("large_capital", month), p("sme_current", month) + p("large_current", month)
        fixed = 0.5 * p("sme_capital", month) + 0.15 * p("large_capital", month)
        limited = 0.5 * p("sme_current", month) + 0.15 * p("large_current", month)
        kept = np.minimum(3 * current, 2 * capital) / np.where(current > 0, 3 * current, 1)
        return np.floor(np.minimum(400_000, fixed + limited * kept) * 100 + 0.5) / 100

    def score(p: Any, month: Any) -> Any:
        mark = p("technical_score", month)
        early = p("eoi_submitted_on", month) <= np.datetime64("2023-01-20")
        early = early * (p("eoi_recognised_on", month) <= np.datetime64("2023-02-20"))
        rated = p.sum(p.members("legality_rating", month)) * 2 > p.nb_persons()
        return mark + (mark >= 65) * (10 * early + 5 * rated)

    def total(p: Any, month: Any) -> Any:
        return sum(p(n, month) for n in ("sme_capital", "sme_current", "large_capital", "large_current"))

    def counted(p: Any, month: Any) -> Any:
        held = np.logical_not(p("is_farming", month))
        for name in WANTED:
            held = held * p(name, month)
        for name in UNWANTED:
            held = held * np.logical_not(p(name, month))
        return held

    def eligible(p: Any, month: Any) -> Any:
        smes, all_ = p("sme_capital", month) + p("sme_current", month), p("total", month)
        return (
            (p("submitted_at", month) <= CLOSING)
            * p("agreement_signed", month)
            * (p.sum(p.members("counted", month)) >= 10)
            * (all_ >= 200_000)
            * (p("project_start", month) > p("submitted_on", month))
            * (p("project_end", month) <= np.datetime64("2023-10-30"))
            * ((p.sum(p.members("counted", month) * p.members("is_large", month)) == 0) + (smes >= 0.3 * all_))
        )

    for name in FLAGS:
        add(partner, bool, name)
    for name in COSTS:
        add(partner, float, name)
    add(partner, float, "capital", lambda p, month: p("equipment", month) + p("research", month))
    add(partner, float, "current", lambda p, month: p("staff", month) + p("overheads", month))
    add(partner, bool, "counted", counted)
    for name, type_ in (("submitted_at", int), ("agreement_signed", bool), ("technical_score", int), *((d, date) for d in DAYS)):
        add(project, type_, name)
    for size in ("sme", "large"):
        for of in ("capital", "current"):
            add(project, float, f"{size}_{of}", costs(of, size == "large"))
    add(project, float, "total", total)
    add(project, float, "contribution", contribution)
    add(project, int, "score", score)
    add(project, bool, "eligible", eligible)
    return system
