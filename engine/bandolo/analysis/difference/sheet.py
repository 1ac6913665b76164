"""The change sheet: what a committee has before it when it signs a change. Its contents; `sheet_files.py` writes them out.

What other tools find (the effect on applications) comes in as sections of blocks; the sheet lists what nobody has examined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bandolo.analysis.difference.cases import CasesCompared
from bandolo.analysis.difference.change import Difference
from bandolo.explain.blocks import Block
from bandolo.language.types import Language

WORDS: dict[str, tuple[str, str]] = {
    "sheet": ("Scheda delle modifiche", "Change sheet"),
    "dated": ("Alla data del {0}", "As of {0}"),
    "versions": ("Che cosa si confronta", "What is compared"),
    "old": ("Prima", "Before"),
    "new": ("Ora", "Now"),
    "policy": ("Bando", "Policy"),
    "file": ("File", "File"),
    "digest": ("Impronta", "Digest"),
    "acts": ("Atti applicati", "Acts applied"),
    "no_acts": ("nessuno", "none"),
    "short": ("In breve", "In short"),
    "changes": ("Che cosa cambia", "What changes"),
    "nothing": ("Nessun cambiamento di significato.", "No change of meaning."),
    "not_there": ("Non c'è.", "Not there."),
    "weighs": ("Pesa su", "Bears on"),
    "sources": ("Fonti", "Sources"),
    "no_source": ("nessuna fonte citata", "no source quoted"),
    "effects": ("Effetti", "Effects"),
    "cases": ("Casi di prova", "Cases"),
    "cases_run": ("Eseguiti su entrambe le versioni: {0}; falliscono su entrambe: {1}; cambiano: {2}.",
                  "Run on both versions: {0}; fail on both: {1}; changed: {2}."),
    "more_cases": ("e altri {0}: `bandolo diff … --cases … --json` li elenca tutti",
                   "and {0} more: `bandolo diff … --cases … --json` lists them all"),
    "fails": ("prima passava, ora fallisce", "passed before, fails now"),
    "passes": ("prima falliva, ora passa", "failed before, passes now"),
    "not_run": ("non si può eseguire su una delle due versioni", "cannot be run on one of the two versions"),
    "expected": ("atteso", "expected"),
    "got": ("ottenuto", "got"),
    "wording": ("Testi e fonti (il significato resta)", "Wording and sources (the meaning stays)"),
    "unexamined": ("Che cosa non è stato esaminato", "What was not examined"),
    "footer": ("Prodotta da bandolo {0} dai due file; non sostituisce la lettura degli atti.",
               "Made by bandolo {0} from the two files; it does not take the place of reading the acts."),
    "x.applications": (
        "Nessuna domanda è stata decisa con le due versioni: non si dice a chi cambierebbe l'esito, l'importo o la posizione.",
        "No applications were decided by both versions: whose outcome, amount or position would change is not said."),
    "x.ranking": (
        "La graduatoria: senza un insieme di domande non si vede chi sale, chi scende e se i fondi bastano.",
        "The ranking: without a set of applications it cannot be seen who moves and whether the money suffices."),
    "x.cases": ("Nessun file di casi è stato eseguito sulle due versioni.", "No file of cases was run on both versions."),
    "x.words": (
        "Se nomi, messaggi e note siano chiari e giusti: sono elencati, non giudicati.",
        "Whether labels, messages and notes are clear and right: they are listed, not judged."),
    "x.quotes": (
        "Se le citazioni stiano davvero nei testi delle fonti: lo dice `bandolo check`.",
        "Whether the quotes are in the texts of the sources: `bandolo check` says so."),
    "x.equal": (
        "Se due formule scritte in modo diverso diano sempre lo stesso risultato: sono date come cambiate.",
        "Whether two formulas that are written differently always come to the same: they are told as changed."),
    "x.reach": (
        "Le domande a cui un atto non si applica ({0}): per loro vale il testo di prima.",
        "Applications that an act does not reach ({0}): for them the earlier text holds."),
}  # fmt: skip

MOST_CASES = 40
"""Cases that are told one by one; a committee reads no more, and the JSON has them all."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a change sheet says, in one language."""

    difference: Difference
    lang: Language
    on: date | None
    cases: CasesCompared | None
    sections: tuple[Block, ...]
    unexamined: tuple[str, ...]


def change_sheet(
    difference: Difference, lang: Language, *, on: date | None = None, cases: CasesCompared | None = None,
    sections: Sequence[Block] = (), examined: frozenset[str] = frozenset(),
) -> Sheet:  # fmt: skip
    """The sheet of a difference. `sections` are the effects, as another tool found them; `examined` names what they cover
    (`applications`, `ranking`), which is then not listed as left out."""
    covered = examined | ({"cases"} if cases is not None else set())
    names = [n for n in ("applications", "ranking", "cases") if n not in covered]
    if "ranking" in names and not _has_ranking(difference):
        names.remove("ranking")
    left_out = [word(f"x.{n}", lang) for n in (*names, "words", "quotes", "equal")]
    reaches = [reach for version in (difference.old, difference.new) for *_, reach in version.acts if reach is not None]
    left_out += [word("x.reach", lang, f"`{reach}`") for reach in dict.fromkeys(reaches)]
    return Sheet(difference, lang, on, cases, tuple(sections), tuple(left_out))


def _has_ranking(difference: Difference) -> bool:
    """Whether there is a ranking that a change could bear on."""
    return any(c.group == "ranking" or any(a.path == "ranking" for a in c.affects) for c in difference.meaning)


def word(key: str, lang: Language, *args: object) -> str:
    return WORDS[key][lang == "en"].format(*args)


def more_cases(cases: CasesCompared, lang: Language) -> list[str]:
    """How many cases that changed are not told one by one, where there are such."""
    left = len(cases.changed) - MOST_CASES
    return [word("more_cases", lang, left)] if left > 0 else []
