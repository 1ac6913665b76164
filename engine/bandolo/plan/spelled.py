"""From the bytes of an application to the bytes of its decision, with nothing but text in between where everything is in order.

What each requirement says is written once; a decision puts the records' names between. Byte for byte it is `Decision.to_json`.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any

from bandolo.check import core
from bandolo.evaluate.decide import changes_said, local_time
from bandolo.evaluate.decision import Decision, Quote, RequirementResult, StageStatus
from bandolo.evaluate.wire import decision_as_data, plain
from bandolo.language.types import INTEGER, MONEY, Type
from bandolo.plan.digested import Digester
from bandolo.plan.kinds import Kind, Whole, thaw
from bandolo.plan.shapes import Marks, marks
from bandolo.plan.told import State, Telling

SUBJECT = "\x1f"
"""Stands for a record's name in what is written once: no text of a policy or of data may hold it."""


class Spelling:
    """Writes the decisions of one program; `possible` is False where a part must be put together anew for each."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        policy, layout = telling.program.policy, telling.whole.layout
        self.read = None if layout.shapes is None else layout.shapes.of_json
        self.marks = None if layout.shapes is None else Marks(policy, layout.shapes)
        self.digester = Digester(policy, layout)
        self.possible = self.digester.possible and telling.only_root
        ordered = sorted(policy.requirements.values(), key=lambda r: telling.place[r.id])
        lists = {e: i for i, e in enumerate(layout.lists)}
        self.requirements = [(r, lists.get(r.entity), layout.verdicts[r.entity].index(r.id)) for r in ordered]
        self.words = {r.id: self._effect(r).word for r in ordered}
        self.until = {r.id: policy.stage_index(r.stage) for r in ordered}
        self.spelt = {
            (r.id, verdict, counts): self._split(r, verdict, counts) for r in ordered for verdict in _VERDICTS for counts in (True, False)
        }
        self.of_root = {
            (r.id, verdict): None if (split := self.spelt[r.id, verdict, True]) is None else f"{split[0]}{policy.root}{split[1]}"
            for r in ordered if r.entity == policy.root for verdict in _VERDICTS
        }  # fmt: skip
        usual = {r.id: self.spelt[r.id, True, True] or ("", "") for r in ordered}
        self.usual = {id_: (before, f"{after}, {before}", after) for id_, (before, after) in usual.items()}
        self.excluding = [
            (r.id, r.stage, at, place) for r, at, place in self.requirements if at is not None and self.words[r.id] == "exclude"
        ]
        self.paths = [policy.entities[e].listed_in or "" for e in layout.lists]
        self.keys = [None if (key := policy.entities[e].key) is None else layout.fact(policy.entities[e], key.name) for e in layout.lists]
        root = policy.entities[policy.root]
        self.root_key = None if root.key is None else layout.fact(root, root.key.name)
        self._around: dict[tuple[StageStatus, ...], tuple[str, str, str]] = {}

    def _split(self, requirement: core.Requirement, verdict: bool | None, counts: bool) -> tuple[str, str] | None:
        """What is written before and after a record's name; None where a message has something to fill in."""
        message: dict[str, str] = {}
        if verdict is False and requirement.message is not None:
            for lang in ("it", "en"):
                pieces = requirement.message.pieces.get(lang)
                if pieces is None:
                    continue
                if not all(isinstance(p, str) for p in pieces):
                    return None
                message[lang] = "".join(str(p) for p in pieces).strip()
        effect = self._effect(requirement)
        if effect.word == "suspend" and verdict is False and effect.cure is not None:
            return None
        result = RequirementResult(
            requirement.id, SUBJECT, requirement.stage, _VERDICTS[verdict], effect.word, counts, message,  # type: ignore[arg-type]
            tuple(Quote(s.document, s.quote) for s in requirement.words.sources), (), None, None,
        )  # fmt: skip
        data = decision_as_data(self._decision((), requirements=(result,)))["requirements"][0]
        before, _, after = json.dumps(data, ensure_ascii=False).partition(json.dumps(SUBJECT)[1:-1])
        return before, after

    def _effect(self, requirement: core.Requirement) -> core.Effect:
        option = "" if requirement.effect_by is None else self.telling.settled.settings.options[requirement.effect_by]
        assert isinstance(option, str)
        return requirement.effects[option]

    def _decision(self, statuses: tuple[Any, ...], **parts: Any) -> Decision:
        """A decision that has only what does not change from one to the next."""
        telling = self.telling
        policy, identity = telling.program.policy, telling.identity
        outcome, stage = telling.outcome(statuses) if statuses else ("admitted", "")
        known = {n: v for n, v in telling.settled.settings.options.items() if isinstance(v, str)}
        made: dict[str, Any] = {
            "policy_id": policy.id, "policy_digest": identity.policy_digest, "engine": identity.engine, "amendments": identity.amendments,
            "application": SUBJECT, "application_digest": SUBJECT, "as_of": identity.as_of, "outcome": outcome, "stage": stage,
            "stages": dict(zip(telling.stages, statuses, strict=False)), "requirements": (), "excluded": (), "barred": (),
            "result_values": (), "missing": (), "pending": (), "open_readings": (), "assumed": telling.settled.assumed,
            "changed": changes_said(policy, telling.changes), "readings": known, "faults": (),
        } | parts  # fmt: skip
        return Decision(**made)

    def is_said_once(self, content: bytes, state: State) -> bool:
        """Whether no field is given twice, and no number has an exponent, as far as that is plain; then nothing was lost in reading."""
        assert self.marks is not None
        return b"\\" not in content and marks(content) == self.marks.expected([[state[0]], *(given for given, _, _ in state[4:])])

    def text(self, state: State) -> str | None:
        """The decision as JSON, or None where it must be put together from its parts."""
        digest = self.digester.digest(state) if self.possible else None
        if digest is None:
            return None
        rows, odd = [], []
        for key, listed, (given, unusual, _) in zip(self.keys, self.paths, state[4:], strict=True):
            keys = range(len(given)) if key is None else sorted(map(key, given))
            paths = [f"{listed}[{key}]" for key in keys]
            rows.append(paths)
            odd.append({f"{listed}[{key}]": verdicts for key, verdicts in unusual.items()} if unusual else None)
        if any(odd):
            return self._with_failures(state, digest, rows, odd)
        written = []
        for requirement, at, place in self.requirements:
            if at is None:
                said = self.of_root[requirement.id, state[1][place]]
                if said is None:
                    return None
                written.append(said)
            elif rows[at]:
                before, between, after = self.usual[requirement.id]
                written.append(f"{before}{between.join(rows[at])}{after}")
        return self._put(state, digest, ", ".join(written), [], [])

    def _with_failures(self, state: State, digest: str, rows: list[list[str]], odd: list[dict[str, Any] | None]) -> str | None:
        """Where some records do not meet everything, each of their verdicts is looked at."""
        written: list[str] = []
        struck: dict[str, dict[str, list[str]]] = {"exclude": {}, "bar": {}}
        stages: dict[str, str] = {}
        opened = {s: status != "not_started" for s, status in zip(self.telling.stages, state[3], strict=True)}
        excluded = self._excluded(odd, opened)
        for requirement, at, place in self.requirements:
            if at is None:
                said = self.of_root[requirement.id, state[1][place]]
                if said is None:
                    return None
                written.append(said)
                continue
            unusual = odd[at] or {}
            word = self.words[requirement.id]
            if not any(v[place] is not True or (word != "exclude" and path in excluded) for path, v in unusual.items()):
                before, between, after = self.usual[requirement.id]
                if rows[at]:
                    written.append(f"{before}{between.join(rows[at])}{after}")
                continue
            usual: tuple[str, str] = self.spelt[requirement.id, True, True]  # type: ignore[assignment]
            until = self.until[requirement.id]
            for path in rows[at]:
                verdicts = unusual.get(path)
                if verdicts is None:
                    written.append(f"{usual[0]}{path}{usual[1]}")
                    continue
                verdict = verdicts[place]
                counts = word == "exclude" or excluded.get(path, len(opened)) > until
                split = self.spelt[requirement.id, verdict, counts]
                if split is None:
                    return None
                written.append(f"{split[0]}{path}{split[1]}")
                if verdict is False and word in struck and opened[requirement.stage] and counts:
                    struck[word].setdefault(path, []).append(requirement.id)
                    stages.setdefault(f"{word} {path}", requirement.stage)
        barred = [(path, ids, stages[f"bar {path}"]) for path, ids in struck["bar"].items()]
        return self._put(state, digest, ", ".join(written), list(struck["exclude"].items()), barred)

    def _excluded(self, odd: list[dict[str, Any] | None], opened: dict[str, bool]) -> dict[str, int]:
        """From which stage on a record no longer belongs to the application, by its path."""
        found: dict[str, int] = {}
        for id_, stage, at, place in self.excluding:
            for path, verdicts in (odd[at] or {}).items():
                if verdicts[place] is False and opened[stage]:
                    found[path] = min(found.get(path, 10**6), self.until[id_])
        return found

    def _put(
        self, state: State, digest: str, requirements: str, excluded: list[tuple[str, list[str]]], barred: list[tuple[str, list[str], str]]
    ) -> str:
        policy = self.telling.program.policy
        start, middle, end = self._around.get(state[3]) or self._surroundings(state[3])
        called = "null" if self.root_key is None else encode_basestring(str(self.root_key(state[0])))
        out = f'{start}{called}, "application_digest": "{digest}", {middle}{requirements}]'
        struck = [{"record": p, "key": self._key(p), "requirements": ids} for p, ids in excluded]
        stopped = [{"record": p, "key": self._key(p), "requirements": ids, "stage": stage} for p, ids, stage in barred]
        out += f', "excluded": {_json(struck)}, "barred": {_json(stopped)}' if struck or stopped else ', "excluded": [], "barred": []'
        layout = self.telling.whole.layout
        zone = policy.conventions.time_zone
        results = []
        for name, value in zip(layout.results[policy.root], state[2], strict=True):
            written = _result(layout.kinds[policy.root, name], value, policy.definitions[policy.root, name].type, zone)
            results.append(f'"{name}": {written}')
        return f'{out}, "results": {{{", ".join(results)}}}, "undetermined": {{}}, {end}'

    def _surroundings(self, statuses: tuple[StageStatus, ...]) -> tuple[str, str, str]:
        """What stands before the application's name, between its digest and the requirements, and after the results."""
        whole = json.dumps(self._decision(statuses).to_dict(), ensure_ascii=False)
        start, _, rest = whole.partition(f'"application": "{json.dumps(SUBJECT)[1:-1]}"')
        stages = rest.partition('"as_of": ')[2].partition('"requirements": []')[0]
        end = whole.rpartition('"missing": []')[2]
        made = (f'{start}"application": ', f'"as_of": {stages}"requirements": [', f'"missing": []{end}')
        self._around[statuses] = made
        return made

    def _key(self, path: str) -> str | None:
        listed, _, key = path.partition("[")
        return key[:-1] if self.keys[self.paths.index(listed)] is not None else None


_VERDICTS = {True: "met", False: "failed", None: "not_applicable"}


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _result(kind: Kind | None, value: Any, type_: Type, zone: str) -> str:
    if type_ == MONEY:
        return f'"{value // 100}.{value % 100:02}"' if value >= 0 else f'"-{-value // 100}.{-value % 100:02}"'
    if isinstance(kind, Whole) and kind.scale == 1 and type_ == INTEGER:
        return str(value)
    assert kind is not None
    return _json(plain(local_time(thaw(kind, value, lambda record: record), zone), type_))
