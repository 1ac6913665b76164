"""What a host program gets from `import bandolo`: five lines, exact values, no surprise."""

from __future__ import annotations

import ast
import builtins
import copy
import dataclasses
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import bandolo
from bandolo import ApplicationError, Decision, PolicyError, RequirementResult, load_policy
from small import LIVE_POLICIES, ROOT, decide, policy

CALL = ROOT / "tests" / "cases" / "cli" / "files" / "call.yaml"
SOUND: dict[str, Any] = {
    "id": "M-1",
    "sent_at": "2024-06-30T12:00",
    "signed": True,
    "mills": [
        {"code": "A", "owner_size": "small", "costs": "30000.01", "listed": True},
        {"code": "B", "owner_size": "large", "costs": 10000, "listed": True},
    ],
}


LATE = json.loads((ROOT / "policies" / "examples" / "manifestazione_2022-late.json").read_text(encoding="utf-8"))


def test_five_lines_load_a_policy_and_decide() -> None:
    from bandolo import load_policy

    policy = load_policy(CALL)
    decision = policy.decide(SOUND, as_of="2024-07-01", assume=True)
    assert (decision.outcome, decision.failed(), decision.missing) == ("admitted", (), ())
    assert decision.results["grant"] == Decimal("16500")


def test_what_a_decision_holds_has_types() -> None:
    decision = load_policy(str(CALL)).decide(
        {**SOUND, "signed": False, "asked_on": date(2024, 7, 1)}, as_of=datetime(2024, 7, 5, tzinfo=UTC), assume=["closing"]
    )
    assert isinstance(decision, Decision)
    assert (decision.policy_id, decision.application, decision.stage, decision.assumed) == (
        "mills_2024",
        "M-1",
        "admissibility",
        ("closing",),
    )
    assert dict(decision.stages) == {"admissibility": "suspended", "payment": "not_started"}
    result = decision.requirement("signature")
    assert isinstance(result, RequirementResult)
    assert (result.verdict, result.effect, result.cure_by) == ("failed", "suspend", date(2024, 7, 11))
    assert [(q.document, q.quote[:8]) for q in result.sources] == [("notice", "la firma")]
    assert decision.requirement("in_register", "mills[B]").verdict == "met"
    assert decision.results["mills"]["A"]["part"] == Decimal("15000")


def test_verdicts_are_named_by_subject_and_requirement() -> None:
    call, given = load_policy(ROOT / "bench/filiere.yaml"), {"id": "A", "partners": [{"id": "Q"}, {"id": "P", "durc_ok": False}]}
    expected: dict[str, dict[str, str]] = {}
    for result in call.decide(given, engine="reference").requirements:
        expected.setdefault(result.subject, {})[result.id] = result.verdict
    assert expected["partners[P]"]["durc"] == "failed"
    for engine in ("reference", "compiled"):
        found = call.decide(given, engine=engine).verdicts  # type: ignore[arg-type]
        assert [(s, list(v.items())) for s, v in found.items()] == [(s, list(v.items())) for s, v in expected.items()]


def test_a_body_with_a_byte_order_mark_is_the_body() -> None:
    call, body = load_policy(ROOT / "bench/filiere.yaml"), b'{"id": "A", "partners": [{"id": "P", "durc_ok": false}]}'
    for _ in range(4):  # by the reference, and by the program
        assert call.decide_json(b"\xef\xbb\xbf" + body) == call.decide_json(body)


def test_an_engine_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="an engine is one of auto, compiled, reference, not 'compield'"):
        load_policy(ROOT / "bench/filiere.yaml").decide({"id": "A"}, engine="compield")  # type: ignore[arg-type]


def test_a_verdict_that_is_not_there_or_not_the_only_one_is_a_key_error() -> None:
    decision = load_policy(CALL).decide(SOUND)
    for arguments in (("nothing",), ("in_register",), ("in_register", "mills[Z]")):
        with pytest.raises(KeyError):
            decision.requirement(*arguments)


EXACT = (
    "entities: {project: {facts: {n: number, i: integer, m: money, p: percent, d: date, s: datetime}}}\n"
    "definitions: {project: {a: n, b: m, c: p, e: d, f: s, g: i}}\nresults: [a, b, c, e, f, g]"
)


@pytest.mark.parametrize("value", ["0.1", Decimal("0.1"), Decimal("1E-1"), Fraction(1, 10)])
def test_numbers_come_as_text_decimal_or_fraction(value: Any) -> None:
    assert decide(EXACT, {"n": value}).results == {"a": Decimal("0.1")}


@pytest.mark.parametrize("value", ["30000.00", "30000", 30000, Decimal("3E+4"), Fraction(30000), "30000.00 EUR"])
def test_amounts_come_as_text_int_decimal_or_fraction(value: Any) -> None:
    assert decide(EXACT, {"m": value}).to_dict()["results"] == {"b": "30000.00"}


def test_dates_come_as_text_or_as_python_dates() -> None:
    instant = datetime(2023, 7, 1, 10, tzinfo=UTC)
    for d, s in (
        ("2023-07-01", "2023-07-01T10:00Z"),
        (date(2023, 7, 1), instant),
        ("2023-07-01", "2023-07-01 12:00"),
        (date(2023, 7, 1), datetime(2023, 7, 1, 12)),
    ):
        assert decide(EXACT, {"d": d, "s": s}).results == {"e": date(2023, 7, 1), "f": instant}


@pytest.mark.parametrize("fact", ["n", "i", "m", "p", "d", "s"])
@pytest.mark.parametrize("value", [0.1, 1.0, 1e300])
def test_a_float_is_refused_with_a_hint(fact: str, value: float) -> None:
    with pytest.raises(ApplicationError) as error:
        policy(EXACT).decide({fact: value})
    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.code, diagnostic.path) == ("float-given", f"$.{fact}")
    assert "Decimal" in str(error.value)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("i", Decimal("1.5")),
        ("i", True),
        ("n", False),
        ("m", Decimal("0.001")),
        ("p", 1),
        ("p", Decimal("0.5")),
        ("d", datetime(2023, 1, 1)),
        ("d", 20230101),
        ("s", date(2023, 1, 1)),
        ("m", b"1"),
        ("n", {"v": 1}),
        ("n", [1]),
    ],
)
def test_a_value_of_another_kind_is_refused(fact: str, value: Any) -> None:
    with pytest.raises(ApplicationError):
        policy(EXACT).decide({fact: value})


def test_any_mapping_is_an_application() -> None:
    frozen = MappingProxyType({**SOUND, "mills": tuple(MappingProxyType(m) for m in SOUND["mills"])})
    made = load_policy(CALL)
    assert made.decide(frozen).to_json() == made.decide(SOUND).to_json()


@pytest.mark.parametrize("value", [None, [], "text", 5, [("id", "M-1")]])
def test_what_is_no_mapping_is_refused(value: Any) -> None:
    with pytest.raises(ApplicationError) as error:
        load_policy(CALL).decide(value)
    assert [d.code for d in error.value.diagnostics] == ["not-a-record"]


def test_an_application_is_not_changed() -> None:
    before = copy.deepcopy(SOUND)
    load_policy(CALL).decide(SOUND, assume=True, trace=True)
    assert before == SOUND


def test_policies_and_decisions_are_frozen() -> None:
    made = load_policy(CALL)
    decision = made.decide(SOUND)
    for thing, name in ((made, "core"), (decision, "outcome"), (decision.requirements[0], "verdict")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, None)
    decision.results["mills"].clear()  # a copy, made for whoever asks
    assert decision.results["grant"] == Decimal("16500")


def test_a_traced_decision_is_explained_as_markdown_text_or_data() -> None:
    made = load_policy(CALL)
    decision = made.decide({**SOUND, "signed": False}, assume=True, trace=True)
    told = made.explain(decision, "it")
    assert told.to_markdown().startswith("# ")
    text = told.to_text(60)
    assert "Esito" in text
    assert "\x1b" not in text
    assert all(len(line) <= 60 and line == line.rstrip() for line in text.splitlines())
    data = told.to_list()
    assert json.loads(json.dumps(data)) == data
    assert len(data) == len(told.blocks)
    assert {row["block"] for row in data} == {"heading", "line", "quoted", "table"}
    assert made.explain(decision) == made.explain(decision, "en") != told
    assert {"step", "name", "record", "value"} == set(made.trace(decision)[0])


def test_only_a_traced_decision_of_the_same_policy_is_explained() -> None:
    made = load_policy(CALL)
    traced = made.decide(SOUND, trace=True)
    with pytest.raises(ValueError, match="trace=True"):
        made.explain(made.decide(SOUND))
    with pytest.raises(ValueError, match="another policy"):
        load_policy(CALL.parents[4] / "policies" / "bando_2023.yaml").explain(traced)


def test_a_schema_and_a_finding_are_plain_data_in_a_language() -> None:
    made = load_policy(CALL)
    assert made.schema("it")["$schema"].endswith("2020-12/schema")
    assert made.schema("it")["title"] != made.schema()["title"]
    with pytest.raises(ApplicationError) as error:
        made.decide({"signedd": True})
    (finding,) = error.value.diagnostics
    assert finding.to_dict()["message"] == "`project` has no fact `signedd`"
    assert finding.to_dict("it") == {
        "code": "unknown-fact", "severity": "error", "message": "`project` non ha un dato `signedd`", "help": "forse si intende `signed`?",
        "file": None, "path": "$.signedd",
    }  # fmt: skip
    with pytest.raises(PolicyError) as refusal:
        load_policy(CALL.parent / "wrong.yaml")
    assert set(refusal.value.diagnostics[0].to_dict()) == {"code", "severity", "message", "help", "file", "line", "column"}


def test_decisions_compare_by_what_they_say() -> None:
    made = load_policy(CALL)
    assert made.decide(SOUND) == made.decide(SOUND)
    assert made.decide(SOUND) != made.decide({**SOUND, "signed": False})
    assert made.decide(SOUND, trace=True) == made.decide(SOUND)


def test_a_decision_can_be_sent_to_another_process() -> None:
    decision = load_policy(CALL).decide(SOUND)
    assert pickle.loads(pickle.dumps(decision)).to_json() == decision.to_json()


def test_what_is_no_bytes_is_said_at_once() -> None:
    made = load_policy(CALL)
    body = json.dumps(SOUND).encode()
    for _ in range(4):  # by the reference, then compiled
        assert made.decide_json(bytearray(body)) == made.decide_json(memoryview(body)) == made.decide_json(body)
        for other in (body.decode(), None, SOUND):
            with pytest.raises(TypeError, match="is needed here as bytes"):
                made.decide_json(other)  # type: ignore[arg-type]


def test_a_language_that_there_is_not_is_a_value_error() -> None:
    made = load_policy(CALL)
    for ask in (made.schema, lambda lang: made.explain(made.decide(SOUND, trace=True), lang)):
        with pytest.raises(ValueError, match="no language `fr`: it, en"):
            ask("fr")  # type: ignore[arg-type]


@pytest.mark.parametrize("option", [3, None, ["a"]])
def test_an_option_that_is_no_text_is_no_option(option: Any) -> None:
    made = load_policy(LIVE_POLICIES[1])
    with pytest.raises(PolicyError) as bad:
        made.decide({}, readings={"deadline_minute": option})
    assert [(d.code, d.path) for d in bad.value.diagnostics] == [("unknown-option", "readings.deadline_minute")]


def test_applications_are_read_from_one_file_or_several(tmp_path: Path) -> None:
    """By its name or its path; tables by the policy as `load_policy` gives it."""
    made = load_policy(LIVE_POLICIES[1])
    path = ROOT / "policies" / "examples" / "manifestazione_2022-late.json"
    for given in (path, str(path), [path], (str(path),), iter([path])):
        assert [found.data["id"] for found in bandolo.read_applications(given)] == [LATE["id"]]
    table = tmp_path / "proposals.csv"
    table.write_text("id;channel\nMI-9;telemaco\n", encoding="utf-8")
    for text in (made, made.core):
        assert [(found.data, found.diagnostics) for found in bandolo.read_applications(table, text)] == [
            ({"id": "MI-9", "channel": "telemaco"}, ())
        ]
    lost = list(bandolo.read_applications(tmp_path / "lost.json"))
    assert [(found.data, [d.code for d in found.diagnostics]) for found in lost] == [(None, ["file-not-found"])]


def test_public_names_are_there_to_be_completed() -> None:
    assert set(bandolo.__all__) <= set(dir(bandolo))
    assert all(getattr(bandolo, name).__doc__ for name in bandolo.__all__ if name != "__version__")


def test_a_type_checker_sees_the_public_names_and_no_others() -> None:
    """It takes any name for one of a module whose `__getattr__` it sees, so that a slip of the pen would pass."""
    read = ast.parse(Path(bandolo.__file__).read_text(encoding="utf-8"))
    seen = [n for n in read.body if isinstance(n, ast.If) and isinstance(n.test, ast.Name) and n.test.id == "TYPE_CHECKING"]
    imported = {alias.name for block in seen for n in ast.walk(block) if isinstance(n, ast.ImportFrom) for alias in n.names}
    assert imported | {"__version__"} == set(bandolo.__all__)
    assert not [n for n in read.body if isinstance(n, ast.FunctionDef) and n.name == "__getattr__"]


def test_a_traced_decision_leaves_its_trace_behind_when_it_is_sent() -> None:
    """Its values are known by the nodes of a policy of this process; a copy within the process explains as well."""
    made = load_policy(LIVE_POLICIES[1])
    traced = made.decide(LATE, trace=True)
    sent = pickle.loads(pickle.dumps(traced))
    assert (sent == traced, sent.trace) == (True, None)
    with pytest.raises(ValueError, match="trace=True"):
        made.explain(sent)
    for copied in (copy.copy(traced), copy.deepcopy(traced)):
        assert made.explain(copied) == made.explain(traced)
        assert made.trace(copied) == made.trace(traced)


@pytest.mark.parametrize("cache", ["off", "kept"])
@pytest.mark.parametrize("path", LIVE_POLICIES[:2], ids=lambda p: p.stem)
def test_a_policy_explains_what_another_load_of_the_same_file_decided(path: Path, cache: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("BANDOLO_CACHE", cache if cache == "off" else str(tmp_path / cache))
    example = {"bando_2023": "bando_2023-rejected.json", "manifestazione_2022": "manifestazione_2022-late.json"}[path.stem]
    application = json.loads((path.parent / "examples" / example).read_text(encoding="utf-8"), parse_float=Decimal)
    before = load_policy(path)
    traced = before.decide(application, trace=True, assume=True)
    for other in (load_policy(path), pickle.loads(pickle.dumps(before))):
        assert other.explain(traced, "it") == before.explain(traced, "it")
        assert other.trace(traced) == before.trace(traced)


def test_eight_threads_share_a_policy() -> None:
    made = load_policy(LIVE_POLICIES[1])
    applications = [
        {"id": str(i), "shared_goals": i % 3, "partners": [{"tax_code": f"P{k}", "kind": "firm", "active_site": k > i} for k in range(12)]}
        for i in range(24)
    ]
    alone = [made.decide(a, trace=True).to_json() for a in applications]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda a: made.decide(a, trace=True).to_json(), applications * 4))
    assert together == alone * 4


def test_what_ifs_leave_the_policy_alone() -> None:
    made = load_policy(CALL)
    before = made.decide(SOUND).to_json()
    made.decide(SOUND, set={"cap": 1}, readings={"unlisted": "refuse"}, assume=True, as_of=date(2024, 1, 1))
    assert made.decide(SOUND).to_json() == before


def test_the_clock_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoClock(datetime):
        @classmethod
        def now(cls, *_: Any) -> Any:
            raise AssertionError("the clock was read")

        today = utcnow = now

    import time

    monkeypatch.setattr("datetime.datetime", NoClock)
    monkeypatch.setattr(time, "time", NoClock.now)
    assert load_policy(CALL).decide(SOUND).as_of is None


# Loading.


def test_a_policy_error_has_diagnostics_and_says_them() -> None:
    with pytest.raises(PolicyError) as error:
        load_policy(ROOT / "tests" / "cases" / "cli" / "files" / "wrong.yaml")
    assert [d.code for d in error.value.diagnostics] == ["unknown-name", "italian-number", "bad-word"]
    assert "did you mean `costs`?" in str(error.value)
    assert error.type is PolicyError


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_policy(tmp_path / "nothing.yaml")
    with pytest.raises(OSError, match=r"\[Errno"):
        load_policy(tmp_path)


def test_loading_never_opens_the_texts_of_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    really_open = builtins.open

    def watched(file: Any, *args: Any, **kwargs: Any) -> Any:
        opened.append(str(file))
        return really_open(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", watched)
    monkeypatch.setattr("io.open", watched)
    load_policy(CALL).decide(SOUND)
    assert str(CALL) in opened
    assert not [f for f in opened if f.endswith(".txt")]


def test_warnings_do_not_keep_a_policy_from_loading() -> None:
    made = policy("entities: {project: {facts: {idle: text}}}")
    assert [(w.code, w.severity) for w in made.warnings] == [("unused-fact", "warning")]


# Importing.


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_importing_loads_nothing_heavy() -> None:
    heavy = {"lark", "yaml", "click", "rich", "jsonschema", "holidays", "hypothesis"}
    assert not modules_after("import bandolo") & heavy
    assert not modules_after("from bandolo import PolicyError, Diagnostic, __version__") & heavy


def test_deciding_loads_neither_the_command_line_nor_what_it_shows_with() -> None:
    assert not modules_after(f"import bandolo\nbandolo.load_policy({str(CALL)!r}).decide({{}}).to_json()") & {"click", "rich", "jsonschema"}


def test_every_public_name_is_there() -> None:
    for name in bandolo.__all__:
        assert getattr(bandolo, name) is not None
    with pytest.raises(AttributeError):
        _ = bandolo.nothing
    assert set(bandolo.__all__) <= {*dir(bandolo), *bandolo.__all__}
