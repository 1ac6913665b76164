"""`bandolo new`: whatever is answered, what it writes checks, passes its cases and decides; and it never overwrites."""

from __future__ import annotations

import itertools
import os
import re
import select
import shlex
import subprocess
import sys
import tempfile
import tomllib
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bandolo.diagnostics import BandoloError
from bandolo.diagnostics.render import message, render_all
from bandolo.language.types import Language
from bandolo.pipeline import load
from bandolo.policy import load_policy
from bandolo.scaffold.figures import conditions, values
from bandolo.scaffold.files import texts, write
from bandolo.scaffold.names import OWN_NAMES
from bandolo.scaffold.questions import QUESTIONS, Unanswered, WrongOption, collect
from bandolo.surfaces.checking import check_path
from bandolo.surfaces.cli import cli
from bandolo.surfaces.intake import read_applications
from bandolo.testing.runner import run_file
from golden import difference, run
from small import CASES

TODAY = date(2026, 9, 1)
TEMPLATES = files("bandolo.scaffold") / "templates"
CLOSING = "2027-03-31 16:00"


def generated(folder: Path, lang: Language = "en", **given: str) -> Path:
    """Write a new call; gives its policy."""
    answers = collect({"title": "A new call", "closing": CLOSING} | given, lang, TODAY)
    write(folder, texts(answers))
    return folder / f"{answers.name}.yaml"


def problems(policy: Path) -> list[str]:
    """All that is wrong with a set of files: findings of the strict check, failing cases, an example that is not admitted."""
    found = [d for _, findings in check_path(str(policy.parent), ()) for d in findings]
    results, diagnostics = run_file(policy.with_suffix(".cases.yaml"))
    said = [render_all([*found, *diagnostics], "en")] if found or diagnostics else []
    said += [f"{r.case.name}: {r.mismatches} {[message(d, 'en') for d in r.diagnostics]}" for r in results if not r.passed]
    (submitted,) = read_applications((str(policy.parent / "examples" / f"{policy.stem}-admitted.yaml"),))
    if not said and (outcome := load_policy(policy).decide(submitted.data).outcome) != "admitted":
        said.append(f"the example is {outcome}")
    return said if results else [*said, "no cases"]


# Whatever is answered.

LISTS = ({"list": "no"}, {"list": "partner", "minimum": "0"}, {"list": "impresa", "minimum": "1"}, {"list": "società", "minimum": "7"})
MONEY = (
    {"money": "no"},
    {"money": "yes"},
    {"money": "yes", "rate": "33.33%", "cap": "0.01"},
    {"money": "yes", "rate": "100", "cap": "5000", "least_costs": "123456.78"},
    {"money": "yes", "rate": "7.5%", "cap": "99999.99", "least_costs": "0.01"},
)
SCORES = ({"score": "no"}, {"score": "yes"}, {"score": "yes", "pass_mark": "0.01", "bonus": "2.5"})
TIMES = ({}, {"opening": "2027-03-31 15:59:59"})
ODD_TITLE = 'Il "bando": #1 {a} \\ $x <b> è\t 100% – «ok» - & * ! | >'


@pytest.mark.parametrize("lang", ["it", "en"])
@pytest.mark.parametrize("listed", LISTS, ids=lambda x: x["list"])
@pytest.mark.parametrize("money", MONEY, ids=lambda x: x.get("rate", x["money"]))
def test_every_combination_checks_passes_its_cases_and_decides(
    tmp_path: Path, lang: Language, listed: dict[str, str], money: dict[str, str]
) -> None:
    for i, (score, times) in enumerate(itertools.product(SCORES, TIMES)):
        assert problems(generated(tmp_path / str(i), lang, title=ODD_TITLE, **listed, **money, **score, **times)) == []


def _number(most: int) -> st.SearchStrategy[str]:
    return st.integers(1, most * 100).map(lambda cents: f"{cents // 100}.{cents % 100:02}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    _number(100), _number(10**9), st.just("0") | _number(10**7), _number(100), st.just("0") | _number(100), st.integers(0, 200),
    st.datetimes(min_value=datetime(1991, 1, 1), max_value=datetime(2100, 12, 30)),
)  # fmt: skip
def test_whatever_the_figures(rate: str, cap: str, least: str, mark: str, bonus: str, minimum: int, closing: datetime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = {"rate": rate, "cap": cap, "least_costs": least, "pass_mark": mark, "bonus": bonus, "minimum": str(minimum)}
        when = closing.strftime("%Y-%m-%d %H:%M:%S")
        assert problems(generated(Path(folder), "en", money="yes", score="yes", closing=when, **figures)) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=40), st.sampled_from(["it", "en"]))
@example("no", "none", "null", "en")
@example("x" * 1000, "'", "# y", "it")
@example("\ufeffIl bando\u200b: {uno} {{due}}", "\u202eAl contrario", "`", "it")
@example("<", ">", "<a>", "en")
def test_whatever_the_title(title: str, other: str, issuer: str, lang: Language) -> None:
    try:
        answers = collect({"title": title, "other_title": other, "issuer": issuer, "closing": CLOSING}, lang, TODAY)
    except (WrongOption, Unanswered):
        return  # nothing to make a name of
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), texts(answers))
        assert problems(Path(folder) / f"{answers.name}.yaml") == []


WORDS = st.from_regex(r"[a-z][a-z_0-9]{0,12}", fullmatch=True) | st.text("àeèioùbcrst 'ç-", min_size=1, max_size=20)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORDS, WORDS, st.sampled_from(["it", "en"]))
@example("project", "project", "en")
@example("count", "sum", "en")
@example("null", "yes", "it")
@example("day", "min", "en")
@example("partners", "partner", "en")
@example("scor", "minimum", "en")
@example("round", "down", "en")
@example("policy", "label", "it")
@example("call", "sound", "en")
@example("feature", "submission", "en")
def test_whatever_the_entities_are_called(root: str, listed: str, lang: Language) -> None:
    """Either the name is refused, or what comes is sound: no name gets through that the language would not have."""
    try:
        answers = collect({"title": "A", "entity": root, "list": listed, "closing": CLOSING, "score": "yes", "bonus": "1"}, lang, TODAY)
    except (WrongOption, Unanswered):
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), texts(answers))
        assert problems(Path(folder) / f"{answers.name}.yaml") == []


def test_every_word_of_the_glossary(tmp_path: Path) -> None:
    for word in tomllib.loads((files("bandolo.scaffold") / "glossary.toml").read_text(encoding="utf-8")):
        root = "candidatura" if word == "progetto" else "progetto"
        assert problems(generated(tmp_path / word, "it", entity=root, list=word)) == []


# The templates.


def test_the_templates_use_no_other_names() -> None:
    """`OWN_NAMES` is what the policy with everything in it declares, without what the person named."""
    full = {"list": "no", "opening": "2027-01-01 09:00", "least_costs": "5", "money": "yes", "score": "yes", "bonus": "5"}
    found: set[str] = {"minimum_score"}
    for more in ({}, {"list": "impresa"}):
        answers = collect({"title": "A", "closing": CLOSING} | full | more, "it", TODAY)
        document = load("a.yaml", texts(answers)["a.yaml"].encode()).document
        assert document is not None
        found |= {p.name.name for p in document.parameters} | {f.name.name for e in document.entities for f in e.facts}
        found |= {n.name.name for _, entries in (*document.definitions, *document.requirements) for n in entries}
    theirs = {"imprese", "counted_imprese", "minimum_imprese", "enough_imprese"}
    assert found - theirs == OWN_NAMES


def template_names() -> list[str]:
    return sorted(entry.name for entry in TEMPLATES.iterdir())


@pytest.mark.parametrize("name", template_names())
def test_the_conditions_and_names_of_a_template_are_known(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    known, filled_in = {"schema"}, set()
    for listed, money, score, times, issuer, own in itertools.product(LISTS, MONEY, SCORES, TIMES, ("", "X"), ("no", __file__)):
        given = {"title": "A", "other_title": "B", "closing": CLOSING, "issuer": issuer, "text": own}
        answers = collect(given | listed | money | score | times, "it", TODAY)
        known |= conditions(answers)
        filled_in |= set(values(answers))
    assert set(re.findall(r"(?m)^#if (\w+)$", text)) <= known
    assert set(re.findall(r"(?<!\$)\$(\w+)", text)) <= filled_in


def without_comments(text: str) -> list[str]:
    """The keys of a YAML text, in order."""
    return re.findall(r"(?m)^\s*(?:- )?([a-z_]+):", re.sub(r"(?m)#.*$", "", text))


def test_both_languages_have_the_same_structure() -> None:
    given = {
        "title": "A",
        "name": "a",
        "closing": CLOSING,
        "entity": "firm",
        "money": "yes",
        "score": "yes",
        "bonus": "3",
        "opening": "2027-01-01 09:00",
    }
    both = [texts(collect(given | {"other_title": "B"}, lang, TODAY)) for lang in ("it", "en")]
    for name in ("a.yaml", "a.cases.yaml", "examples/a-admitted.yaml"):
        assert without_comments(both[0][name]) == without_comments(both[1][name])
        for lang, other in (("it", both[1]), ("en", both[0])):
            assert f"{lang}|" not in other[name]


@pytest.mark.parametrize("lang", ["it", "en"])
def test_no_comment_is_wider_than_a_terminal(lang: Language) -> None:
    for text in texts(collect({"title": "A", "name": "a", "closing": CLOSING, "score": "yes", "bonus": "3"}, lang, TODAY)).values():
        assert [line for line in text.splitlines() if line.lstrip().startswith("#") and len(line) > 105] == []


# What the comments teach works.


def uncommented(text: str, first: str) -> str:
    """The block of commented lines that begins with `first`, with "# " taken off as the comments say."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.lstrip().startswith(f"# {first}"))
    end = start
    while end < len(lines) and lines[end].lstrip().startswith("# "):
        lines[end] = lines[end].replace("# ", "", 1)
        end += 1
    return "\n".join(lines)


def rewritten(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("lang", ["it", "en"])
def test_the_three_steps_add_a_requirement(tmp_path: Path, lang: Language) -> None:
    policy = generated(tmp_path, lang)
    cases = policy.with_suffix(".cases.yaml")
    text = policy.read_text(encoding="utf-8")
    line = next(line for line in text.split("\n") if "# in_region:" in line)
    policy.write_text(uncommented(text.replace(line, line.replace("# ", "", 1)), "located_in_region:"), encoding="utf-8")
    cases.write_text(uncommented(cases.read_text(encoding="utf-8"), "- name:"), encoding="utf-8")
    rewritten(cases, ("    forms_complete: true\n", "    forms_complete: true\n    in_region: true\n"))
    example = tmp_path / "examples" / f"{policy.stem}-admitted.yaml"
    rewritten(example, ("forms_complete: true\n", "forms_complete: true\nin_region: true\n"))
    assert problems(policy) == []
    assert "located_in_region" in load_policy(policy).core.requirements


@pytest.mark.parametrize("lang", ["it", "en"])
def test_the_example_of_an_open_point_works(tmp_path: Path, lang: Language) -> None:
    policy = generated(tmp_path, lang)
    text = policy.read_text(encoding="utf-8")
    effect = re.search(r"`(otherwise: \{by: reading.missing_forms.*\})`", text)
    assert effect is not None
    policy.write_text(uncommented(text, "readings:"), encoding="utf-8")
    rewritten(policy, ("otherwise: suspend\n", effect.group(1) + "\n"))
    assert problems(policy) == []
    rewritten(policy, ("\n    chosen: ask_for_them", ""))
    assert load_policy(policy).core.readings


@pytest.mark.parametrize("lang", ["it", "en"])
def test_the_example_of_a_pending_value_works(tmp_path: Path, lang: Language) -> None:
    policy = generated(tmp_path, lang)
    text = policy.read_text(encoding="utf-8")
    pending = re.search(r"(?m)^#   closing:\n((?:#     .*\n)+)", text)
    assert pending is not None
    rewritten(policy, (f"    value: {CLOSING}\n", pending.group(1).replace("# ", "")))
    assert [d for _, found in check_path(str(policy), ()) for d in found] == []
    (submitted,) = read_applications((str(tmp_path / "examples" / f"{policy.stem}-admitted.yaml"),))
    assert load_policy(policy).decide(submitted.data).outcome == "undetermined"
    assert load_policy(policy).decide(submitted.data, assume=True).outcome == "admitted"


# A text of one's own.


def test_the_text_of_the_call_is_taken_along(tmp_path: Path) -> None:
    own = tmp_path / "avviso.txt"
    own.write_text("Art. 1\r\nPossono partecipare le imprese.\n", encoding="utf-8", newline="")
    policy = generated(tmp_path / "calls", "it", text=str(own))
    assert problems(policy) == []
    copied = tmp_path / "calls" / "sources" / f"{policy.stem}.txt"
    assert "Possono partecipare le imprese." in copied.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^ +source:", policy.read_text(encoding="utf-8")) == []


def test_a_text_that_stands_in_its_place_already_is_used(tmp_path: Path) -> None:
    place = tmp_path / "sources" / "a_call.txt"
    place.parent.mkdir()
    place.write_text("The text.", encoding="utf-8")
    out, err, status = run(f'bandolo new {tmp_path} --title "A call" --text {place} --yes')
    assert (status, err) == (0, "")
    assert place.read_text(encoding="utf-8") == "The text."
    assert problems(tmp_path / "a_call.yaml") == []
    assert "sources" not in out


def test_editors_are_pointed_to_the_schema_where_it_is_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grammar").mkdir()
    (tmp_path / "grammar" / "policy.schema.json").write_text("{}", encoding="utf-8")
    (tmp_path / "policies").mkdir()
    monkeypatch.chdir(tmp_path / "policies")
    assert run('bandolo new --title "A call" --yes')[2] == 0
    text = (tmp_path / "policies" / "a_call.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../grammar/policy.schema.json\n")
    assert problems(tmp_path / "policies" / "a_call.yaml") == []


# Never overwriting, all or nothing.


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("there", ["a_call.yaml", "a_call.cases.yaml", "sources/a_call.txt", "examples/a_call-admitted.yaml"])
def test_nothing_is_written_where_one_file_is_there(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine", encoding="utf-8")
    _, err, status = run(f'bandolo new {tmp_path} --title "A call" --yes')
    assert status == 1
    assert "error[file-exists]" in err
    assert contents(tmp_path) == {there: b"mine"}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    command = f'bandolo new {tmp_path} --title "A call" --yes'
    assert run(command)[2] == 0
    before = contents(tmp_path)
    assert run(command)[2] == 1
    assert contents(tmp_path) == before


def test_what_was_begun_is_taken_back(tmp_path: Path) -> None:
    with pytest.raises(BandoloError) as caught:
        write(tmp_path / "new" / "folder", {"a.yaml": "a", "deep/b.yaml": "b", "deep/c.yaml": "c", "a.yaml/d": "d"})
    assert [d.code for d in caught.value.diagnostics] == ["cannot-write"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("mine", encoding="utf-8")
    _, err, status = run(f'bandolo new {tmp_path / "calls"} --title "A call" --yes')
    assert (status, "cannot-write" in err) == (1, True)
    assert contents(tmp_path) == {"calls": b"mine"}


# The command.


@pytest.mark.parametrize("lang", ["it", "en"])
def test_the_commands_that_it_names_work_verbatim(tmp_path: Path, lang: Language) -> None:
    out, err, status = run(f'bandolo new "{tmp_path / "my calls"}" --title "L\'impresa" --list impresa --score --lang {lang} --yes')
    assert (status, err) == (0, "")
    commands = re.findall(r"(?m)^  (bandolo .*)$", out)
    assert [shlex.split(c)[1] for c in commands] == ["check", "test", "decide"]
    for command in commands:
        out, err, status = run(command)
        assert (status, err) == (0, ""), (out, err)


def test_it_says_what_it_derived_and_took(tmp_path: Path) -> None:
    out, _, _ = run(f'bandolo new {tmp_path} --title "Bando Digitale 2027" --entity "Ditta artigiana" --lang it --yes')
    assert "Nome ricavato dal titolo: bando_digitale_2027" in out
    assert "«Ditta artigiana» si scrive ditta_artigiana" in out
    assert "--closing" in out
    text = (tmp_path / "bando_digitale_2027.yaml").read_text(encoding="utf-8")
    assert len(re.findall("# da controllare", text)) == 4
    assert problems(tmp_path / "bando_digitale_2027.yaml") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "--title"),
        ("--yes", "--title"),
        ('--title "???"', "no name can be made"),
        ("--title 公募", "--name"),
        ("--title A --entity if", "--entity: `if` is a reserved word"),
        ("--title A --entity project --list project", "--list: in the new policy `project` stands for something else already"),
        ("--title A --entity grant", "--entity"),
        ("--title A --closing 2027-03-31", "--closing"),
        ('--title A --opening "2027-04-01 09:00" --closing "2027-03-31 16:00"', "does not come after"),
        ("--title A --minimum many", "--minimum"),
        ("--title A --minimum 5000", "--minimum"),
        ("--title A --no-money --cap 5", "--cap: the option is of no use"),
        ("--title A --list no --minimum 5", "--minimum: the option is of no use"),
        ("--title A --rate 101%", "--rate"),
        ("--title A --text nowhere.txt", "--text: there is no file"),
        ("--title A --lang fr", "--lang"),
    ],
)
def test_wrong_usage_says_which_option(tmp_path: Path, options: str, said: str) -> None:
    out, err, status = run(f"bandolo new {tmp_path} {options}")
    assert (status, out) == (2, "")
    assert said in err
    assert contents(tmp_path) == {}


def test_wrong_usage_is_said_in_italian(tmp_path: Path) -> None:
    assert "`if` è una parola riservata" in run(f"bandolo new {tmp_path} --title A --entity if --lang it")[1]


def test_the_help_has_an_example_that_runs(tmp_path: Path) -> None:
    out, _, status = run("bandolo new --help")
    assert status == 0
    examples = re.findall(r"(?m)^ +(bandolo new .*--yes)$", out)
    assert examples
    for line in examples:
        assert run(line.replace("my_calls", str(tmp_path)))[2] == 0


# At a terminal.


CTRL_D = "\x04"


def typed(folder: Path, arguments: list[str], lines: list[str]) -> tuple[str, int]:
    """What a terminal of a hundred columns shows when a person types these lines, and the exit status."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bandolo", "new", *arguments],
        stdin=slave, stdout=slave, stderr=slave, cwd=folder, close_fds=True,
        env=os.environ | {"BANDOLO_LANG": "it", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    os.close(slave)
    shown, left = b"", list(lines)
    while True:
        ready, _, _ = select.select([master], [], [], 30)
        try:
            chunk = os.read(master, 65536) if ready else b""
        except OSError:
            chunk = b""  # the other end is closed
        if not chunk:
            break
        shown += chunk
        if re.search(r": $", shown.decode("utf-8", "replace")) and left:
            os.write(master, (left.pop(0) + "\n").encode())
    os.close(master)
    return shown.decode().replace("\r", ""), process.wait(timeout=30)


def test_a_person_is_asked_told_and_asked_again(tmp_path: Path) -> None:
    (tmp_path / "bando_uno.yaml").write_text("mine", encoding="utf-8")
    lines = [
        "Bando uno", "", "", "bando due", "Regione", "if", "domanda", "impresa", "", "tre", "3", "", "31/03/2027", "31/03/2027 16.00",
        "forse", "sì", "50", "20.000,00", "0", "no", "",
    ]  # fmt: skip
    shown, status = typed(tmp_path, [], lines)
    assert status == 0, shown
    for words in ("bando_uno.yaml` c'è già", "`if` è una parola riservata", "`tre` non va bene", "non è un giorno", "né un sì né un no"):
        assert words in shown
    assert problems(tmp_path / "bando_due.yaml") == []
    text = (tmp_path / "bando_due.yaml").read_text(encoding="utf-8")
    assert "value: 2027-03-31 16:00\n" in text
    assert "minimum_imprese" in text
    assert "da controllare" not in text  # who accepts a value with Enter has seen it


def test_a_person_who_stops_leaves_nothing_behind(tmp_path: Path) -> None:
    shown, status = typed(tmp_path, ["calls"], ["", "Bando uno", CTRL_D])
    assert status == 1, shown
    assert "qui serve una risposta" in shown
    assert "non è stato scritto nulla" in shown
    assert list(tmp_path.iterdir()) == []


# Two of them to read.

GOLDENS = {
    "bando_digitale_2027": (
        'new {folder} --title "Bando Digitale 2027" --other-title "Digital call 2027" --issuer "Regione Lombardia" --entity progetto'
        ' --list impresa --minimum 3 --opening "15/01/2027 9:00" --closing "31/03/2027 16:00" --rate 50% --cap 20.000 --least-costs 10.000'
        " --score --pass-mark 60 --bonus 5 --lang it"
    ),
    "study_grants": 'new {folder} --title "Study grants" --entity student --list no --closing "2027-06-30 12:00" --no-money --lang en',
}


@pytest.mark.parametrize("name", GOLDENS)
def test_what_is_written_is_what_stands_in_the_goldens(tmp_path: Path, name: str, update: bool) -> None:
    assert run("bandolo " + GOLDENS[name].format(folder=tmp_path))[2] == 0
    home = CASES / "new" / name
    for path, content in contents(tmp_path).items():
        written = (home / path).read_text(encoding="utf-8") if (home / path).is_file() else ""
        if update:
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(content)
        assert update or written == content.decode(), difference(written, content.decode())
    assert set(contents(home)) == set(contents(tmp_path))


@pytest.mark.skipif("fmt" not in cli.commands, reason="there is no `bandolo fmt` here")
@pytest.mark.parametrize("lang", ["it", "en"])
def test_what_is_written_is_laid_out_as_fmt_would(tmp_path: Path, lang: Language) -> None:
    for i, (listed, money, score) in enumerate(itertools.product(LISTS, MONEY, SCORES[::2])):
        policy = generated(tmp_path / str(i), lang, title=ODD_TITLE, other_title="B", issuer="C: #", **listed, **money, **score, **TIMES[1])
        assert run(f"bandolo fmt --check {policy} {policy.with_suffix('.cases.yaml')}")[2] == 0


def test_every_question_has_its_words_and_its_option() -> None:
    words = tomllib.loads((files("bandolo.scaffold") / "questions.toml").read_text(encoding="utf-8"))
    assert list(words) == [question.key for question in QUESTIONS]
    help_ = run("bandolo new --help")[0]
    assert [q.option for q in QUESTIONS if q.option not in help_] == []
