"""The cache of compiled policies: what comes from it means the same, and nothing that is wrong with it matters."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bandolo import Policy, PolicyError, load_policy, read_applications
from bandolo.cache import coding, entries

ROOT = Path(__file__).parents[1]
CALL = ROOT / "policies/bando_2023.yaml"
SMALL = ROOT / "policies/manifestazione_2022.yaml"
EXTENSION = ROOT / "policies/manifestazione_2022.extension.yaml"
JANUARY = ROOT / "policies/examples/manifestazione_2022-january.yaml"
LATE = ROOT / "policies/examples/manifestazione_2022-late.json"
POLICIES = [
    *sorted((ROOT / "policies").glob("*_202[23].yaml")),
    *(p for p in sorted((ROOT / "tests/policies").glob("*.yaml")) if p.stem.count(".") == 0),
]
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="who may write a file is told otherwise there")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    monkeypatch.setenv("BANDOLO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fresh(path: Path, amendments: tuple[Path, ...] = ()) -> Policy:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANDOLO_CACHE", "off")
        return load_policy(path, amendments=amendments)


def kept(path: Path, amendments: tuple[Path, ...] = ()) -> Policy:
    """The policy from the cache, after a first load that fills it."""
    load_policy(path, amendments=amendments)
    return load_policy(path, amendments=amendments)


def from_cache(policy: Policy) -> bool:
    return not policy._loaded


def entry(folder: Path) -> Path:
    (only,) = folder.iterdir()
    return only


def late(policy: Policy) -> str:
    return policy.decide(json.loads(LATE.read_text(encoding="utf-8"))).to_json()


# The same meaning.


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.stem)
def test_a_policy_from_the_cache_says_what_the_file_says(path: Path) -> None:
    first, again = fresh(path), kept(path)
    assert from_cache(again)
    assert again.settled == first.settled
    # When policies are compared, places, labels and types do not count, and files by their identity: the data hold them all.
    assert coding.encode(again.core, [str(path)]) == coding.encode(first.core, [str(path)])
    assert [(w.code, w.place) for w in again.warnings] == [(w.code, w.place) for w in first.warnings]


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.stem)
def test_decisions_and_explanations_are_the_same(path: Path) -> None:
    first, again = fresh(path), kept(path)
    examples = [str(p) for p in sorted((ROOT / "policies/examples").iterdir()) if p.name.startswith(path.stem)]
    applications = [one.data for one in read_applications(tuple(examples))] + [{}]
    for application in applications:
        one, other = first.decide(application, trace=True), again.decide(application, trace=True)
        assert other.to_json() == one.to_json()
        assert again.trace(other) == first.trace(one)
        for lang in ("it", "en"):
            assert again.explain(other, lang).to_list() == first.explain(one, lang).to_list()
    assert again.schema("it") == first.schema("it")
    assert again.calendar().terms == first.calendar().terms


def test_an_act_that_reaches_only_some_is_kept_with_its_condition(folder: Path) -> None:
    january = next(read_applications((str(JANUARY),))).data
    first, again = fresh(SMALL, (EXTENSION,)), kept(SMALL, (EXTENSION,))
    assert from_cache(again)
    for application in (january, json.loads(LATE.read_text(encoding="utf-8")), {}):
        assert again.decide(application).to_json() == first.decide(application).to_json()
    assert {p.suffix for p in folder.iterdir()} == {".policy"}


def test_a_policy_can_be_sent_to_another_process() -> None:
    for policy in (fresh(SMALL), kept(SMALL, (EXTENSION,))):
        again = pickle.loads(pickle.dumps(policy))
        assert again == policy
        assert late(again) == late(policy)
        assert again.digest == policy.digest


def test_a_policy_from_the_cache_needs_neither_lark_nor_yaml() -> None:
    code = (
        "import json, sys, bandolo\n"
        f"policy = bandolo.load_policy({str(SMALL)!r})\n"
        f"print(policy.decide(json.load(open({str(LATE)!r}))).to_json())\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines() for _ in "12"]
    assert runs[0][0] == runs[1][0]
    assert "yaml" in runs[0][1].split()
    assert not {"lark", "yaml", "rich", "click", "jsonschema", "holidays"} & set(runs[1][1].split())


def test_the_command_that_prints_json_needs_no_more_than_click() -> None:
    load_policy(SMALL)
    code = (
        "import sys\nfrom bandolo.surfaces.cli import cli\n"
        f"try: cli.main(['decide', {str(SMALL)!r}, {str(LATE)!r}, '--json'])\n"
        "except SystemExit: print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == json.dumps(json.loads(late(load_policy(SMALL))), ensure_ascii=False)
    assert not {"lark", "yaml", "rich", "jsonschema", "holidays", "tomllib"} & set(said[1].split())


def test_reading_a_policy_without_mistakes_does_not_need_lark() -> None:
    code = f"import sys, bandolo; bandolo.load_policy({str(CALL)!r}); print('lark' in sys.modules, 'holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == ["False", "False"]


# What an entry is for.


def test_other_bytes_another_entry(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / SMALL.name
    shutil.copy(SMALL, mine)
    load_policy(mine)
    load_policy(SMALL)
    assert len(list(folder.iterdir())) == 1, "where a file is does not matter"
    assert load_policy(mine).loaded.tree.span.source.path == str(mine)
    mine.write_bytes(mine.read_bytes() + b"# a comment\n")
    assert not from_cache(load_policy(mine))
    load_policy(SMALL, amendments=EXTENSION)
    assert len(list(folder.iterdir())) == 3


def test_a_policy_with_errors_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("bandolo: 1\nentities: {a: {facts: {x: nothing}}}\n", encoding="utf-8")
    for _ in "12":
        with pytest.raises(PolicyError):
            load_policy(bad)
    assert not folder.exists() or not list(folder.iterdir())


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BANDOLO_CACHE", "off")
    monkeypatch.chdir(tmp_path)
    assert not from_cache(load_policy(SMALL))
    assert not from_cache(load_policy(SMALL))
    assert not list(tmp_path.iterdir())


def test_it_may_be_deleted(folder: Path) -> None:
    load_policy(SMALL)
    shutil.rmtree(folder)
    assert not from_cache(load_policy(SMALL))
    assert from_cache(load_policy(SMALL))


def test_the_oldest_entries_go(folder: Path) -> None:
    for number in range(entries.AT_MOST + 5):
        entries.write(f"{number:03}", "policy", b"[]")
        os.utime(folder / f"{number:03}.policy", (number, number))
    left = sorted(p.name for p in folder.iterdir())
    assert len(left) == entries.AT_MOST
    assert left[-1] == f"{entries.AT_MOST + 4}.policy"
    assert left[0] == "005.policy"


# What is not believed.


def damaged(content: bytes) -> dict[str, bytes]:
    head, _, body = content.partition(b"\n")
    name = head.split()[3].decode()

    def forged(body: bytes, kind: str = "policy", name: str = name) -> bytes:
        return entries._head(name, kind, body) + b"\n" + body

    leaves, spans, rows = json.loads(body)
    return {
        "empty": b"",
        "cut short": content[: len(content) // 2],
        "a letter changed": content.replace(b"rejected", b"admitted", 1) if b"rejected" in content else content[:-9] + b"9" + content[-8:],
        "no head": body,
        "of an older format": content.replace(b"bandolo-cache 1 ", b"bandolo-cache 0 "),
        "of another policy": forged(body, name="0" * 64),
        "of another kind": forged(body, kind="plan"),
        "not JSON": forged(b"cos\nsystem\n(S'true'\ntR."),
        "deep": forged(b"[" * 100_000),
        "no policy": forged(b'[["a"],[],[]]'),
        "an unknown class": forged(json.dumps([leaves, spans, [*rows[:-1], [999, 0]]]).encode()),
        "a row of something else": forged(json.dumps([leaves, spans, [*rows[:-1], ["policy"]]]).encode()),
        "a span of no file": forged(json.dumps([leaves, [7, 0, 1, *spans[3:]], rows]).encode()),
        "too few fields": forged(json.dumps([leaves, spans, [row[:-1] for row in rows]]).encode()),
    }


def test_a_damaged_or_foreign_entry_is_ignored_and_written_anew(folder: Path) -> None:
    expected = late(load_policy(SMALL))
    path = entry(folder)
    whole = path.read_bytes()
    for what, content in damaged(whole).items():
        assert content != whole, what
        path.write_bytes(content)
        policy = load_policy(SMALL)
        assert not from_cache(policy), what
        assert late(policy) == expected, what
        assert path.read_bytes() == whole, what
        assert from_cache(load_policy(SMALL)), what


@ON_POSIX
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_an_entry_that_others_can_write_is_not_believed(folder: Path, mode: int) -> None:
    load_policy(SMALL)
    entry(folder).chmod(mode)
    assert not from_cache(load_policy(SMALL))
    assert from_cache(load_policy(SMALL)), "it was put in the place of the other"


@ON_POSIX
def test_a_folder_that_others_can_write_is_not_used(folder: Path) -> None:
    load_policy(SMALL)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert not from_cache(load_policy(SMALL))
    entry(folder).unlink()
    load_policy(SMALL)
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_made_does_not_matter(folder: Path) -> None:
    folder.write_text("a file where the folder should be", encoding="utf-8")
    assert late(load_policy(SMALL)) == late(fresh(SMALL))
    assert folder.is_file()


def test_many_processes_at_once(folder: Path) -> None:
    code = f"import json, bandolo; print(bandolo.load_policy({str(SMALL)!r}).decide(json.load(open({str(LATE)!r}))).to_json())"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=120)[0].strip() for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert said == {late(fresh(SMALL))}
    assert entry(folder).suffix == ".policy"
    assert from_cache(load_policy(SMALL))
