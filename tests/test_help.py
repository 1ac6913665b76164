"""`--help` speaks the reader's language: every command and option has its English in the code and its Italian in `help_texts.toml`."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from bandolo.surfaces.cli import cli
from bandolo.surfaces.helping import option_text, texts

COMMANDS: dict[str, click.Command] = {"bandolo": cli, **cli.commands}
BUILT_IN = ("--version",)  # its words are Click's, and stand under [headings]


def options(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option) and p.opts[0] not in BUILT_IN]


def help_of(*arguments: str, lang: str = "") -> str:
    result = CliRunner(env={"BANDOLO_LANG": lang, "LC_ALL": "C", "LANG": "C"}).invoke(cli, [*arguments], prog_name="bandolo")
    assert result.exit_code == 0, result.output
    return result.output


def test_every_command_and_option_has_both_languages() -> None:
    """What lacks is added to `surfaces/help_texts.toml`, or as a docstring or `help=` in the code."""
    lacking = []
    for name, command in COMMANDS.items():
        if not command.help:
            lacking.append(f"{name}: no English docstring")
        if not texts().get(name, {}).get("help"):
            lacking.append(f"[{name}] help: no Italian")
        for option in options(command):
            if not option.help:
                lacking.append(f"{name} {option.opts[0]}: no English help")
            if not option_text(name, option.opts[0]):
                lacking.append(f'[{name}.options] "{option.opts[0]}": no Italian')
    assert lacking == []


def test_no_text_is_there_for_nothing() -> None:
    known = {(name, o.opts[0]) for name, command in COMMANDS.items() for o in options(command)}
    sections = {k: v for k, v in texts().items() if k not in ("headings", "options")}
    assert set(sections) == set(COMMANDS)
    assert {(name, option) for name, entry in sections.items() for option in entry.get("options", {})} <= known
    assert set(texts()["options"]) <= {option for _, option in known}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_all_in_one_language(name: str) -> None:
    arguments = () if name == "bandolo" else (name,)
    italian, english = help_of(*arguments, "--help", lang="it"), help_of(*arguments, "--help", lang="en")
    assert italian.startswith("Uso: bandolo")
    assert english.startswith("Usage: bandolo")
    assert "Mostra questo testo ed esce." in italian
    for word in ("Usage", "Options", "Commands", "Show this"):
        assert word not in italian
    for option in options(COMMANDS[name]):
        assert option.opts[0] in italian
        assert str(option.help)[:20] not in italian


def test_the_option_wins_over_the_environment_wherever_it_stands() -> None:
    for arguments in (("check", "--help", "--lang", "it"), ("check", "--lang=it", "--help"), ("--lang", "it", "check", "--help")):
        assert help_of(*arguments, lang="en").startswith("Uso: bandolo check")
    assert help_of("--lang", "it", "--help", lang="en").startswith("Uso: bandolo")
    assert help_of("check", "--help", "--lang", "en", lang="it").startswith("Usage: bandolo check")
    assert help_of("--lang", "en", "--help", lang="it").startswith("Usage: bandolo")


def test_the_language_before_a_command_is_that_of_what_it_says() -> None:
    assert "nessun problema" in help_of("--lang", "it", "check", "policies/manifestazione_2022.yaml", lang="en")
