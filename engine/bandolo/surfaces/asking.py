"""What `bandolo new` does: asks at the terminal, or takes the options, writes the files, says what comes next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from textwrap import fill

import click

from bandolo.diagnostics import BandoloError, Diagnostic
from bandolo.diagnostics.render import help_text, message, render_all
from bandolo.language.types import Language
from bandolo.scaffold.answers import Answers
from bandolo.scaffold.figures import TO_LOOK_AT
from bandolo.scaffold.files import colliding, texts, write
from bandolo.scaffold.questions import Person, Unanswered, WrongOption, collect, option_of

WORDS = {
    "hello": {
        "it": "Un bando nuovo. Invio accetta la risposta fra parentesi quadre; Ctrl-C interrompe senza scrivere nulla.",
        "en": "A new call. Enter takes the answer in square brackets; Ctrl-C stops, and nothing is written.",
    },
    "derived": {"it": "Nome ricavato dal titolo: {name}", "en": "Name derived from the title: {name}"},
    "word": {"it": "Nel bando «{typed}» si scrive {name}", "en": 'In the policy "{typed}" is written {name}'},
    "written": {"it": "Scritti:", "en": "Written:"},
    "policy": {"it": "il bando, con le spiegazioni", "en": "the policy, with explanations"},
    "cases": {"it": "i casi che lo provano", "en": "the cases that test it"},
    "application": {"it": "una domanda di esempio", "en": "an example application"},
    "text": {"it": "il testo citato: mettici quello vero", "en": "the text quoted: put the real one here"},
    "own_text": {"it": "il testo del bando", "en": "the text of the call"},
    "taken": {
        "it": "Valori di partenza, che nessuno ha detto: {names}. Nel bando sono segnati «da controllare».",
        "en": 'Values to start from, which nobody gave: {names}. In the policy they are marked "to be looked at".',
    },
    "next": {"it": "E adesso:", "en": "What next:"},
    "stopped": {"it": "Interrotto: non è stato scritto nulla.", "en": "Stopped: nothing was written."},
}


def start(folder: str, given: Mapping[str, str], yes: bool, lang: Language, suffix: str) -> int:
    """Ask, write, say what was written; the exit status. `suffix` is put behind the commands that are shown."""
    asks = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    if asks:
        click.echo(WORDS["hello"][lang] + "\n")
    try:
        answers = collect(given, lang, date.today(), _person(Path(folder), lang) if asks else None)
    except WrongOption as error:
        raise click.UsageError(f"{error.question.option}: {_said(error.diagnostic, lang)}") from None
    except Unanswered as error:
        raise click.UsageError(f"{error.question.option}: {message(Diagnostic('answer-missing'), lang)}") from None
    except click.Abort:
        click.echo("\n" + WORDS["stopped"][lang], err=True)
        return 1
    files = texts(answers, (Path(folder).resolve().parent / "grammar" / "policy.schema.json").is_file())
    source = list(files)[-1]
    if answers.text is not None and _same(answers.text.path, Path(folder) / source):
        del files[source]  # it stands where it belongs already
    try:
        write(Path(folder), files)
    except BandoloError as error:
        click.echo(render_all(list(error.diagnostics), lang), err=True)
        return 1
    _report(Path(folder), list(files), answers, given, asks, suffix)
    return 0


def _person(folder: Path, lang: Language) -> Person:
    def collides(name: str) -> str | None:
        return next((str(path) for path in colliding(folder, (f"{name}.yaml", f"{name}.cases.yaml"))), None)

    return Person(
        ask=lambda question, default: str(click.prompt(question.prompt(lang), default=default, show_default=default != "")),
        tell=lambda error: click.echo("  ✘ " + _said(error.diagnostic, lang)),
        collides=collides,
    )


def _said(diagnostic: Diagnostic, lang: Language) -> str:
    advice = help_text(diagnostic, lang)
    return message(diagnostic, lang) + (f" ({advice})" if advice else "")


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _report(folder: Path, names: list[str], answers: Answers, given: Mapping[str, str], asked: bool, suffix: str) -> None:
    lang = answers.lang
    if "name" not in given and not asked:
        click.echo(WORDS["derived"][lang].format(name=answers.name))
    for word in (answers.root, answers.listed):
        if word is not None and word.typed != word.name:
            click.echo(WORDS["word"][lang].format(typed=word.typed, name=word.name))
    click.echo(("" if not asked else "\n") + WORDS["written"][lang])
    paths = [str(folder / name) for name in names]
    width = max(map(len, paths))
    kinds = ("policy", "cases", "application", "text" if answers.text is None else "own_text")
    for path, kind in zip(paths, kinds, strict=False):
        click.echo(f"  {path:<{width}}  {WORDS[kind][lang]}")
    taken = [option_of(key) for key in TO_LOOK_AT if key in answers.taken]
    if taken:
        click.echo(fill(WORDS["taken"][lang].format(names=", ".join(taken)), 98))
    click.echo(WORDS["next"][lang])
    policy, cases, application = (shlex.quote(path) for path in paths[:3])
    click.echo(f"  bandolo check {policy}{suffix}")
    click.echo(f"  bandolo test {cases}{suffix}")
    click.echo(f"  bandolo decide {policy} {application}{suffix}")
