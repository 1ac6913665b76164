"""The norms of the sources: each is accounted for by a quote of the policy, and a list that is wrong is said to be."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bandolo.check.quotes import RULES
from bandolo.surfaces.cli import cli
from bandolo.surfaces.norms_report import KINDS

ROOT = Path(__file__).parents[1]

POLICY = """\
bandolo: 1
policy: {id: call, title: Call, decides: project}
sources: {call: {title: Notice, text: notice.txt, norms: notice.norms.csv}}
entities: {project: {facts: {id: {type: text, key: true}, firms: integer}}}
requirements:
  project:
    enough: {check: firms >= 10, otherwise: reject, source: {call: "at least ten firms, each with a site"}}
unencoded:
  - {quote: {call: "The Region thanks all"}, because: information}
"""
NOTICE = "Projects have <b>at least</b> ten firms,\neach with a site. Last day: 30 October. The Region thanks all."


def written(folder: Path, norms: str) -> Path:
    (folder / "call.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "notice.txt").write_text(NOTICE, encoding="utf-8")
    (folder / "notice.norms.csv").write_text(norms, encoding="utf-8")
    return folder / "call.yaml"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, arguments if "--lang" in arguments else [*arguments, "--lang", "en"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_every_norm_of_both_calls_is_accounted_for() -> None:
    """The lists hold 50 and 201 norms, and each quote stands whole in its policy."""
    listed = {}
    for name, count in (("manifestazione_2022", 50), ("bando_2023", 201)):
        with open(ROOT / "policies" / "sources" / f"{name}.norms.csv", encoding="utf-8", newline="") as stream:
            listed[name] = [row["id"] for row in csv.DictReader(stream)]
        assert len(listed[name]) == len(set(listed[name])) == count
    status, out, err = run("norms", "--list", str(ROOT / "policies"))
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "251 of 251 norms accounted for"
    said = {line.split()[0] for line in out.splitlines() if line.startswith("  ") and not line.startswith("   ")}
    assert said == {*listed["manifestazione_2022"], *listed["bando_2023"]}


def test_an_account_says_where_each_norm_stands(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,quote,kind\nN-1,"at least ten firms",x\nN-2,each with a site,y\nN-3,thanks all,z\n')
    status, out, err = run("norms", "--list", str(path))
    assert (status, err) == (0, "")
    assert "N-1      requirement enough (7)" in out
    assert "N-3      no rule: information (9)" in out
    assert "3 of 3 norms accounted for: 2 quoted by rules, 1 declared as no rule (information 1)" in out
    assert run("check", "--strict", str(path))[0] == 0


def test_an_account_speaks_the_language_of_the_reader(tmp_path: Path) -> None:
    path = written(tmp_path, "id,quote\nN-1,at least ten firms\nN-3,thanks all\n")
    _, out, _ = run("norms", "--list", str(path), "--lang", "it")
    assert "N-1      requisito enough (7)" in out
    assert "N-3      fuori dalle regole: informazione (9)" in out
    assert set(KINDS) == {*RULES.values(), "policy"}
    assert json.loads(run("norms", "--json", str(path), "--lang", "it")[1].splitlines()[1])["at"][0]["kind"] == "unencoded"


def test_a_norm_that_no_quote_holds_is_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffid;quote\nN-1;at least ten firms\nN-2;Last day: 30 October\n")
    status, out, _ = run("norms", str(path))
    assert status == 1
    assert "N-2      nowhere" in out
    assert "1 of 2 norms accounted for" in out
    status, _, err = run("check", str(path))
    assert status == 0
    assert "norm-unaccounted" in err
    assert "notice.norms.csv:3" in err
    assert run("check", "--strict", str(path))[0] == 1


def test_half_a_norm_does_not_account_for_it(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,quote\nN-1,"each with a site. Last day: 30 October"\n')
    assert run("norms", str(path))[0] == 1


@pytest.mark.parametrize(
    ("norms", "code", "line"),
    [
        ("number,text\n1,x\n", "norms-columns", 1),
        ("", "norms-columns", 1),
        ("id,quote\nN-1,at least ten firms\nN-2\n", "norm-incomplete", 3),
        ('id,quote\nN-1,"at least\nten firms"\nN-1,each with a site\n', "norm-twice", 4),
        ("id,quote\nN-1,at least eleven firms\n", "quote-not-found", 2),
    ],
)
def test_a_list_that_is_wrong_is_said_to_be(tmp_path: Path, norms: str, code: str, line: int) -> None:
    status, _, err = run("check", str(written(tmp_path, norms)))
    assert status == 1
    assert code in err
    assert f"notice.norms.csv:{line}" in err


def test_a_missing_list_is_said_to_be(tmp_path: Path) -> None:
    path = written(tmp_path, "id,quote\n")
    (tmp_path / "notice.norms.csv").unlink()
    assert "no-source-text" in run("norms", str(path))[2]
    assert run("norms", str(tmp_path / "none.yaml"))[0] == 1


def test_amendments_are_not_held_against_the_norms(tmp_path: Path) -> None:
    """An act may replace a passage: what the policy accounted for when it was issued stays accounted for."""
    written(tmp_path, "id,quote\nN-1,at least ten firms\n")
    act = tmp_path / "act.yaml"
    act.write_text(
        "bandolo: 1\namends: call.yaml\nid: act\ndate: 2023-01-01\nset:\n"
        '  requirements.project.enough.source: {call: "Last day: 30 October"}\n',
        encoding="utf-8",
    )
    assert run("check", "--strict", str(act))[0] == 0


def test_the_passage_that_is_suggested_for_a_quote_has_whole_words() -> None:
    from bandolo.check.quotes import _nearest

    text = "Il termine è differito alle ore 12.00 del 31 gennaio 2023. Restano fermi gli altri."
    assert _nearest("entro le ore 12.00 del 31 gennaio 20", text) == "differito alle ore 12.00 del 31 gennaio 2023"
