"""From the bytes of an application to the bytes of its decision, with nothing but text in between where everything is in order.

What each requirement says is written once; a decision puts the records' names between. Byte for byte it is `Decision.to_json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any

from bandolo.check import core
from bandolo.evaluate.decide import changes_said, local_time
from bandolo.evaluate.decision import Decision, Quote, RequirementResult, StageStatus
from bandolo.evaluate.wire import decision_as_data, plain
from bandolo.language.types import INTEGER, MONEY, Type
from bandolo.plan.digested import Digester
from bandolo.plan.kinds import Kind, Whole, thaw
from bandolo.plan.shapes import Marks, marks
from bandolo.plan.told import VERDICT_WORDS, VERDICTS_KEPT, State, Telling

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
            (r.id, verdict, counts): self._split(r, verdict, counts)
            for r in ordered
            for verdict in VERDICT_WORDS
            for counts in (True, False)
        }
        usual = {r.id: self.spelt[r.id, True, True] or ("", "") for r in ordered}
        self.usual = {id_: (before, f"{after}{before}", after) for id_, (before, after) in usual.items()}
        self.runs = [(at, [(r, place) for r, _, place in run]) for at, run in groupby(self.requirements, key=itemgetter(1))]
        self._of_root: list[dict[tuple[bool | None, ...], str]] = [{} for _ in self.runs]
        self.called = {n: _json(n) for n in (*policy.requirements, *telling.stages)}
        self.excluding = [
            (r.id, r.stage, at, place) for r, at, place in self.requirements if at is not None and self.words[r.id] == "exclude"
        ]
        self.paths = [policy.entities[e].listed_in or "" for e in layout.lists]
        self.keys = [None if (key := policy.entities[e].key) is None else layout.fact(policy.entities[e], key.name) for e in layout.lists]
        root = policy.entities[policy.root]
        self.root_key = None if root.key is None else layout.fact(root, root.key.name)
        kinds, zone = layout.kinds, policy.conventions.time_zone
        self.results = [
            _result_writer(r, kinds[policy.root, r], policy.definitions[policy.root, r].type, zone) for r in layout.results[policy.root]
        ]
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
            requirement.id, SUBJECT, requirement.stage, VERDICT_WORDS[verdict], effect.word, counts, message,
            tuple(Quote(s.document, s.quote) for s in requirement.words.sources), (), None, None,
        )  # fmt: skip
        data = decision_as_data(self._decision((), requirements=(result,)))["requirements"][0]
        before, _, after = _json(data).partition(_json(SUBJECT)[1:-1])
        return before, f"{after}, "

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
        return b"\\" not in content and marks(content) == self.marks.expected(state[0], [listed[0] for listed in state[4:]])

    def text(self, state: State) -> str | None:
        """The decision as JSON, or None where it must be put together from its parts."""
        digest = self.digester.digest(state) if self.possible else None
        if digest is None:
            return None
        rows: list[list[str]] = []
        odd: list[dict[str, tuple[bool | None, ...]]] = []
        for key, listed, (given, unusual, _) in zip(self.keys, self.paths, state[4:], strict=True):
            keys = range(len(given)) if key is None else sorted(map(key, given))
            rows.append([f"{listed}[{key}]" for key in keys])
            odd.append({f"{listed}[{key}]": unusual[key] for key in sorted(unusual)} if unusual else _NOTHING)
        opened = {s: status != "not_started" for s, status in zip(self.telling.stages, state[3], strict=True)}
        excluded = self._excluded(odd, opened) if any(odd) else _NOTHING
        struck: dict[str, list[str]] = {}
        barred: dict[str, tuple[list[str], str]] = {}
        start, middle, end = self._around.get(state[3]) or self._surroundings(state[3])
        called = "null" if self.root_key is None else encode_basestring(str(self.root_key(state[0])))
        out = [start, called, ', "application_digest": "', digest, '", ', middle]
        for number, (at, run) in enumerate(self.runs):
            if at is None:
                said = self._of_root[number].get(state[1]) or self._root_run(number, state[1])
                if said is None:
                    return None
                out.append(said)
                continue
            paths, unusual = rows[at], odd[at]
            for requirement, place in run if paths else ():
                id_ = requirement.id
                before, between, after = self.usual[id_]
                word = self.words[id_]
                changed = [p for p, v in unusual.items() if v[place] is not True or (word != "exclude" and p in excluded)]
                if not changed:
                    out += (before, between.join(paths), after)
                    continue
                lines = {path: f"{before}{path}{after}" for path in paths}
                for path in changed:
                    verdict = unusual[path][place]
                    counts = word == "exclude" or excluded.get(path, len(opened)) > self.until[id_]
                    split = self.spelt[id_, verdict, counts]
                    if split is None:
                        return None
                    lines[path] = f"{split[0]}{path}{split[1]}"
                    if verdict is False and opened[requirement.stage] and counts:
                        if word == "exclude":
                            struck.setdefault(path, []).append(id_)
                        elif word == "bar":
                            barred.setdefault(path, ([], requirement.stage))[0].append(id_)
                out += lines.values()
        out[-1] = out[-1].removesuffix(", ")
        out += ('], "excluded": [', ", ".join([f"{self._struck(p, ids)}}}" for p, ids in struck.items()]), '], "barred": [')
        out.append(", ".join([f'{self._struck(p, ids)}, "stage": {self.called[stage]}}}' for p, (ids, stage) in barred.items()]))
        out.append('], "results": {')
        out.append(", ".join([write(value) for write, value in zip(self.results, state[2], strict=True)]))
        out += ('}, "undetermined": {}, ', end)
        return "".join(out)

    def _root_run(self, number: int, verdicts: tuple[bool | None, ...]) -> str | None:
        """What is said of requirements of the root that follow each other; the same few verdicts come again and again."""
        said = ""
        for requirement, place in self.runs[number][1]:
            split = self.spelt[requirement.id, verdicts[place], True]
            if split is None:
                return None
            said += f"{split[0]}{self.telling.program.policy.root}{split[1]}"
        if len(self._of_root[number]) < VERDICTS_KEPT:
            self._of_root[number][verdicts] = said
        return said

    def _struck(self, path: str, ids: list[str]) -> str:
        listed, _, key = path.partition("[")
        called = f'"{key[:-1]}"' if self.keys[self.paths.index(listed)] is not None else "null"  # a program only takes plain keys
        return f'{{"record": "{path}", "key": {called}, "requirements": [{", ".join([self.called[id_] for id_ in ids])}]'

    def _excluded(self, odd: list[dict[str, tuple[bool | None, ...]]], opened: dict[str, bool]) -> dict[str, int]:
        """From which stage on a record no longer belongs to the application, by its path."""
        found: dict[str, int] = {}
        for id_, stage, at, place in self.excluding:
            for path, verdicts in odd[at].items():
                if verdicts[place] is False and opened[stage]:
                    found[path] = min(found.get(path, 10**6), self.until[id_])
        return found

    def _surroundings(self, statuses: tuple[StageStatus, ...]) -> tuple[str, str, str]:
        """What stands before the application's name, between its digest and the requirements, and after the results."""
        whole = _json(self._decision(statuses).to_dict())
        start, _, rest = whole.partition(f'"application": "{json.dumps(SUBJECT)[1:-1]}"')
        stages = rest.partition('"as_of": ')[2].partition('"requirements": []')[0]
        end = whole.rpartition('"missing": []')[2]
        made = (f'{start}"application": ', f'"as_of": {stages}"requirements": [', f'"missing": []{end}')
        self._around[statuses] = made
        return made


_NOTHING: dict[str, Any] = {}


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _result_writer(name: str, kind: Kind | None, type_: Type, zone: str) -> Callable[[Any], str]:
    """What writes a result with its name."""
    called = _json(name)
    if type_ == MONEY:

        def amount(value: int) -> str:
            sign, cents = ("", value) if value >= 0 else ("-", -value)
            return f'{called}: "{sign}{cents // 100}.{cents % 100:02}"'

        return amount
    if isinstance(kind, Whole) and kind.scale == 1 and type_ == INTEGER:
        return lambda value: f"{called}: {value}"
    assert kind is not None
    return lambda value: f"{called}: {_json(plain(local_time(thaw(kind, value, lambda record: record), zone), type_))}"
