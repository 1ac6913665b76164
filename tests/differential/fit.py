"""A policy cut down to what a path can say, so that the path decides itself and hands nothing over."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from bandolo.check import core
from bandolo.language.types import ChoiceType, ListType, OptionalType, RecordType, Type
from bandolo.policy import Policy
from differential.literals import LITERALS
from differential.policies import loaded

Data = dict[str, Any]
Refusal = Callable[[Policy], Any]
"""Whether a path hands a policy over: false, true, or the places of what it cannot say."""


def fitted(policy: Data, refuses: Refusal) -> Data | None:
    """The policy with as many of its rules as a path can say, the others made plain; None where nothing is left to be said."""
    meant = loaded(policy)
    if meant is None:
        return None
    if not refuses(meant):
        return policy
    return _Fitter(policy, meant.core, refuses).fitted()


class _Fitter:
    def __init__(self, policy: Data, meant: core.Policy, refuses: Refusal) -> None:
        self.policy, self.meant, self.refuses = policy, meant, refuses
        self.rules = [(s, e, n) for s in ("definitions", "requirements") for e, of in policy.get(s, {}).items() for n in of]
        self.rules += [("stages", "", i) for i, s in enumerate(policy.get("stages", [])) if isinstance(s, dict)]
        self.rules += [("scoring", "", "")] * ("scoring" in policy)
        self.rules += [("results", "", name) for name in policy.get("results", [])]

    def fitted(self) -> Data | None:
        bare = self._made(())
        facts = [(e, f) for e, of in bare["entities"].items() for f in of["facts"]]
        if not self._good(bare):
            self.policy = self._without_facts(facts)
            if not self._good(self._made(())):
                return None
        chosen = self._told() or self._restored((), tuple(self.rules))
        made = self._made(chosen)
        return {k: v for k, v in made.items() if v} if chosen else None

    def _good(self, policy: Data) -> bool:
        made = loaded(policy)
        return made is not None and not self.refuses(made)

    def _told(self) -> tuple[Any, ...]:
        """All rules but those that the path names, as long as it names any."""
        kept = tuple(self.rules)
        for _ in range(8):
            made = loaded(self._made(kept))
            if made is None:
                return ()
            refusal = self.refuses(made)
            if not refusal:
                return kept
            if refusal is True:
                return ()
            named = {rule for rule in kept if any(self._holds(made.core, rule, span) for span in refusal)}
            if not named:
                return ()
            kept = tuple(rule for rule in kept if rule not in named)
        return ()

    @staticmethod
    def _holds(policy: core.Policy, rule: tuple[str, str, Any], span: Any) -> bool:
        """Whether a rule, or a result, is where a place says."""
        section, entity, name = rule
        trees: list[Any] = []
        if section == "definitions" and (entity, name) in policy.definitions:
            trees = [policy.definitions[entity, name].value]
        elif section == "requirements":
            requirement = policy.requirements[name]
            trees = [requirement.check, requirement.applies]
            trees += [part for effect in requirement.effects.values() for part in (effect.cure, effect.cure_from)]
        elif section == "stages":
            trees = [policy.stages[name].opens]
        elif section == "scoring":
            trees = [d.value for d in policy.definitions.values() if d.synthetic and d.name.startswith(("base_", "bonus", "final_"))]
        elif section == "results":
            of = (policy.root, name) if "." not in name else tuple(name.split("."))
            return of in policy.definitions and policy.definitions[of].span == span
        return any(tree is not None and any(n.span.start <= span.start < n.span.end for n in core.walk(tree)) for tree in trees)

    def _restored(self, kept: tuple[Any, ...], wanted: tuple[Any, ...]) -> tuple[Any, ...]:
        """The rules among those wanted that may stand beside those kept."""
        if not wanted or self._good(self._made((*kept, *wanted))):
            return (*kept, *wanted)
        if len(wanted) == 1:
            return kept
        half = len(wanted) // 2
        kept = self._restored(kept, wanted[:half])
        return self._restored(kept, wanted[half:])

    def _made(self, kept: tuple[Any, ...]) -> Data:
        """The policy with all rules plain but those kept."""
        made = copy.deepcopy(self.policy)
        for rule in self.rules:
            if rule in kept:
                continue
            section, entity, name = rule
            if section == "definitions":
                made["definitions"][entity][name] = self._plain(entity, self.meant.definitions[entity, name].type)
            elif section == "requirements":
                content = made["requirements"][entity][name]
                effect = content["otherwise"] if isinstance(content["otherwise"], str) else "flag"
                stage = {"stage": content["stage"]} if "stage" in content else {}
                made["requirements"][entity][name] = {**stage, "check": "true", "otherwise": effect}
            elif section == "results":
                made["results"].remove(name)
            elif section == "stages":
                made["stages"][name] = next(iter(made["stages"][name]))
            else:
                made["scoring"] = {k: v for k, v in made["scoring"].items() if k in ("stage",)} | {"base": "1"}
                made["scoring"]["bonuses"] = {b: {"when": "true", "points": "1"} for b in self.policy["scoring"].get("bonuses", {})}
        return made

    def _plain(self, entity: str, type_: Type) -> Any:
        match type_:
            case ListType(item=RecordType(entity=listed)):
                return self._list(entity, listed)
            case ListType(item=item):
                return (
                    f"[{self._plain(entity, item)}]"
                    if not isinstance(item, ChoiceType)
                    else {"value": f"[{item.options[0]}]", "type": f"list of {item}"}
                )
            case OptionalType(of=inner):
                return f"if 1 = 2 then none else {self._plain(entity, inner)}"
            case ChoiceType(options=options):
                return {"value": options[0], "type": str(type_)}
        return LITERALS[type_][0]

    def _list(self, entity: str, listed: str) -> str:
        """A way to the records of an entity, from another."""
        above = self.meant.entities[listed]
        if above.owner == entity or above.owner is None:
            return str(above.listed_in)
        if above.owner == self.meant.root:
            return f"{self.meant.root}.{above.listed_in}"
        begin = "" if entity == self.meant.root else f"{self.meant.root}."
        return f"{above.listed_in} of {begin}{self.meant.entities[above.owner].listed_in}"

    def _without_facts(self, facts: list[tuple[str, str]]) -> Data:
        """The policy without the facts with which its declarations alone are refused."""
        listed = {e.listed_in for e in self.meant.entities.values()}
        removable = tuple(f for f in facts if f[1] not in listed and not self.meant.entities[f[0]].facts[f[1]].key)
        whole = self.policy

        def without(kept: tuple[Any, ...]) -> Data:
            made = copy.deepcopy(whole)
            for entity, name in removable:
                if (entity, name) not in kept:
                    del made["entities"][entity]["facts"][name]
            return made

        def good(kept: tuple[Any, ...]) -> bool:
            self.policy = without(kept)
            return self._good(self._made(()))

        def restored(kept: tuple[Any, ...], wanted: tuple[Any, ...]) -> tuple[Any, ...]:
            if not wanted or good((*kept, *wanted)):
                return (*kept, *wanted)
            if len(wanted) == 1:
                return kept
            half = len(wanted) // 2
            return restored(restored(kept, wanted[:half]), wanted[half:])

        return without(restored((), removable)) if good(()) else whole
