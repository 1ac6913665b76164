"""Every bound of `limits.py` has a code, and whatever exceeds it gets that code; what just keeps it does not."""

from __future__ import annotations

import ast
import io
import json
import zipfile
from pathlib import Path

import pytest

from bandolo import limits
from bandolo.diagnostics.render import render_all
from bandolo.evaluate.data import read_json
from bandolo.export.template import template
from bandolo.pipeline import load
from bandolo.sheets.files import read_tables
from bandolo.surfaces.beside import read_beside
from bandolo.surfaces.intake import read_applications
from small import HEAD, ROOT, codes, decide, policy, refused

FACTS = "entities: {project: {facts: {n: number, t: text, firms: list of firm}}, firm: {facts: {ok: boolean, k: integer}}}"


def expression(text: str) -> list[str]:
    return codes(f"{FACTS}\ndefinitions: {{project: {{x: {json.dumps(text)}}}}}")


def test_every_bound_has_a_test_here() -> None:
    tree = ast.parse((ROOT / "engine" / "bandolo" / "limits.py").read_text(encoding="utf-8"))
    names = {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    here = Path(__file__).read_text(encoding="utf-8")
    assert {n for n in names if f"limits.{n}" not in here and f'limits, "{n}"' not in here} == set()


def test_policy_bytes() -> None:
    at_most = (HEAD + FACTS + "\n").ljust(limits.POLICY_BYTES - 1, "#").replace("\n#", "\n #") + "\n"
    assert codes(at_most.encode()[: limits.POLICY_BYTES]) == []
    assert codes(b"#" * (limits.POLICY_BYTES + 1)) == ["too-large"]
    assert [
        d.code
        for d in load("a.yaml", (HEAD + FACTS).encode(), [("act.yaml", b"#" * (limits.POLICY_BYTES + 1))]).diagnostics
        if d.severity == "error"
    ] == ["too-large"]


def test_source_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SOURCE_BYTES", 10)
    (tmp_path / "small.txt").write_text("0123456789", encoding="utf-8")
    (tmp_path / "large.txt").write_text("01234567890", encoding="utf-8")
    (tmp_path / "call.yaml").write_text(
        HEAD + FACTS + "\nsources: {a: {title: A, text: small.txt}, b: {title: B, text: large.txt}}\n", encoding="utf-8"
    )
    document = load(str(tmp_path / "call.yaml"), (tmp_path / "call.yaml").read_bytes()).document
    assert document is not None
    beside = read_beside(document.documents)
    assert (list(beside.texts), [d.code for d in beside.diagnostics]) == (["a"], ["too-large"])


def test_yaml_nodes() -> None:
    assert codes(b"[" + b"a, " * (limits.YAML_NODES - 2) + b"a]") != ["too-many-entries"]
    assert codes(b"[" + b"a, " * limits.YAML_NODES + b"a]") == ["too-many-entries"]


def test_yaml_depth() -> None:
    assert "too-deep" not in codes(b"[" * limits.YAML_DEPTH + b"]" * limits.YAML_DEPTH)
    assert codes(b"[" * (limits.YAML_DEPTH + 1) + b"]" * (limits.YAML_DEPTH + 1)) == ["too-deep"]


def test_expression_characters() -> None:
    assert expression("n" + " " * (limits.EXPRESSION_CHARACTERS - 1)) == []
    assert expression("n" + " " * (limits.EXPRESSION_CHARACTERS - 2) + "+1") == ["expression-too-long"]


def test_expression_tokens() -> None:
    list_of = "[" + ",".join("1" * (limits.CHAIN_TERMS - 1)) + "]"
    many = "[" + ",".join([list_of] * (limits.EXPRESSION_TOKENS // (2 * limits.CHAIN_TERMS) + 1)) + "]"
    assert expression(many) == ["expression-too-long"]
    assert expression(f"count({list_of})") == []


def test_expression_depth() -> None:
    assert expression("-" * (limits.EXPRESSION_DEPTH - 1) + "n") == []
    assert expression("-" * limits.EXPRESSION_DEPTH + "n") == ["expression-too-deep"]


def test_chain_terms() -> None:
    assert expression("n" + "+n" * (limits.CHAIN_TERMS - 1)) == []
    assert expression("n" + "+n" * limits.CHAIN_TERMS) == ["expression-too-long"]
    assert expression("[n" + ",n" * limits.CHAIN_TERMS + "]") == ["expression-too-long"]


def test_core_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas that use one another several times grow fourfold at each level, and are told before they fill the memory."""
    monkeypatch.setattr(limits, "CORE_NODES", 5_000)
    for levels, said in ((3, []), (6, ["policy-too-complex"])):
        rows = "".join(
            f"  f{i}: {{takes: {{a: number}}, value: 'f{i - 1}(a + 1) * f{i - 1}(a + 2) * f{i - 1}(a) * f{i - 1}(a)'}}\n"
            for i in range(1, levels + 1)
        )
        text = f"{FACTS}\nformulas:\n  f0: {{takes: {{a: number}}, value: a + 1}}\n{rows}definitions: {{project: {{x: f{levels}(n)}}}}\n"
        assert sorted(set(codes(text))) == said


@pytest.mark.parametrize("where", ["policy", "data", "decimals"])
def test_number_digits(where: str) -> None:
    most, more = "7" * limits.NUMBER_DIGITS, "7" * (limits.NUMBER_DIGITS + 1)
    if where == "policy":
        assert (expression(most), expression(more)) == ([], ["number-too-long"])
    elif where == "data":
        assert (refused(FACTS, {"n": most}), refused(FACTS, {"n": more})) == ([], ["number-too-long $.n"])
    else:
        assert refused(FACTS, {"n": "0." + most}) == ["number-too-long $.n"]
        assert refused(FACTS, {"n": "0." + most[2:]}) == []


def test_number_bits() -> None:
    text = f"{FACTS}\ndefinitions: {{project: {{x: n ^ 100}}}}\nresults: [x]"
    assert [f.code for f in decide(text, {"n": "9" * 40}).faults] == ["number-out-of-range"]
    assert decide(text, {"n": "2"}).results == {"x": 2**100}
    assert 100 * 132 > limits.NUMBER_BITS > 100


def test_power_exponent() -> None:
    assert expression(f"n ^ {limits.POWER_EXPONENT}") == []
    assert expression(f"n ^ {limits.POWER_EXPONENT + 1}") == ["exponent-too-large"]
    assert expression("n ^ 0.5") == ["exponent-too-large"]


def test_name_characters() -> None:
    for name, said in (("a" * limits.NAME_CHARACTERS, []), ("a" * (limits.NAME_CHARACTERS + 1), ["name-too-long"])):
        assert codes(f"entities: {{project: {{facts: {{{name}: text}}}}}}") == said


def test_diagnostics() -> None:
    """More than so many are counted, not listed."""
    text = HEAD + FACTS + "\ndefinitions:\n  project:\n" + "".join(f"    d{i}: nothing_{i}\n" for i in range(limits.DIAGNOSTICS + 7))
    diagnostics = [d for d in load("a.yaml", text.encode()).diagnostics if d.severity == "error"]
    assert len(diagnostics) == limits.DIAGNOSTICS + 7
    said = render_all(diagnostics, "en")
    assert said.count("error[") == limits.DIAGNOSTICS
    assert said.endswith("7 more")


def test_application_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b" " * (limits.APPLICATION_BYTES - 1) + b"{}")
    assert [d.code for a in read_applications((str(path),)) for d in a.diagnostics] == ["too-large"]


def test_application_depth() -> None:
    for depth, said in ((limits.APPLICATION_DEPTH, []), (limits.APPLICATION_DEPTH + 1, ["too-deep"])):
        assert [d.code for d in read_json("[" * depth + "]" * depth, "a.json")[1]] == said
    assert read_json('{"t": "' + "[" * 1_000 + '"}', "a.json")[1] == []


SHEETS = "entities: {project: {facts: {id: {type: text, key: true}, n: number}}}"


def sheet_codes(content: bytes) -> list[str]:
    return [d.code for d in read_tables(policy(SHEETS).core, "project.csv", content, {}).diagnostics]


def test_sheet_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SHEET_CELLS", 6)
    assert sheet_codes(b"id;n\nP1;1\nP2;2\n") == []
    assert sheet_codes(b"id;n\nP1;1\nP2;2\nP3\n") == ["too-many-cells"]


def test_sheet_header_rows() -> None:
    for above, said in ((limits.SHEET_HEADER_ROWS - 1, []), (limits.SHEET_HEADER_ROWS, ["no-header"])):
        assert sheet_codes(b"title\n" * above + b"id;n\nP1;1\n") == said


def test_sheet_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    core = policy(SHEETS).core
    content = template(core, "en", "a.yaml", "a.xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        read = {
            n: archive.getinfo(n).file_size for n in archive.namelist() if n.startswith(("xl/w", "xl/s", "xl/_")) and "drawing" not in n
        }
    for limit, said in ((sum(read.values()), "no-rows"), (read["xl/worksheets/sheet2.xml"], "workbook-too-large")):
        monkeypatch.setattr(limits, "SHEET_BYTES", limit)
        assert [d.code for d in read_tables(core, "a.xlsx", content, {}).diagnostics] == [said]


def test_text_characters() -> None:
    assert refused(FACTS, {"t": "è" * limits.TEXT_CHARACTERS}) == []
    assert refused(FACTS, {"t": "è" * (limits.TEXT_CHARACTERS + 1)}) == ["text-too-long $.t"]


def test_list_length() -> None:
    assert refused(FACTS, {"firms": [{}] * limits.LIST_LENGTH}) == []
    assert refused(FACTS, {"firms": [{}] * (limits.LIST_LENGTH + 1)}) == ["list-too-long $.firms"]
    assert refused(FACTS.replace("list of firm", "{type: list of firm, at_most: 3}"), {"firms": [{}] * 4}) == ["list-too-long $.firms"]


def test_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RECORDS", 2_000)
    text = "entities: {project: {facts: {firms: list of firm}}, firm: {facts: {bills: list of bill}}, bill: {facts: {paid: money}}}"
    assert refused(text, {"firms": [{"bills": [{}] * 399}] * 5}) == []
    assert {r.split()[0] for r in refused(text, {"firms": [{"bills": [{}] * 400}] * 5})} == {"too-many-records"}


MANY = f"""
{FACTS}
definitions: {{project: {{x: count(firms as a where any(firms as b where b.k > a.k))}}}}
results: [x]
"""


def firms(count: int) -> dict[str, list[dict[str, int]]]:
    """Firms of which each is compared with every other."""
    return {"firms": [{"k": count - i} for i in range(count)]}


@pytest.fixture
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds as far apart as the real ones, and reached sooner."""
    monkeypatch.setattr(limits, "STEPS_BASE", limits.STEPS_BASE // 100)
    monkeypatch.setattr(limits, "STEPS_PER_RECORD", limits.STEPS_PER_RECORD // 100)


@pytest.mark.usefixtures("_few_steps")
def test_steps_base_and_steps_per_record() -> None:
    assert limits.STEPS_BASE + 300 * limits.STEPS_PER_RECORD < 300 * 300
    assert refused(MANY, firms(300)) == ["too-many-steps $"]
    assert decide(MANY, firms(30)).results == {"x": 29}


@pytest.mark.usefixtures("_few_steps")
def test_steps_where_an_amendment_reaches_some_applications_only() -> None:
    act = "bandolo: 1\namends: small.yaml\nid: act\ndate: 2023-01-01\napplies_to: x > 5\nset: {results.0: x}\n"
    assert refused(policy(MANY, act), firms(300)) == ["too-many-steps $"]
    assert decide(policy(MANY, act), firms(30)).amendments == ("act",)
