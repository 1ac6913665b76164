"""The figures that the templates are filled with: a sound application, and both sides of every threshold, exact to the cent and second.

What the cases expect is reckoned here from the answers, not asked of the engine: a case that the engine wrote would prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, floor, log10

from bandolo.language.types import Language
from bandolo.language.wording import day, money, number
from bandolo.scaffold.answers import Answers, Money, Score

CENT = Fraction(1, 100)
TO_LOOK_AT = ("minimum", "closing", "rate", "cap", "pass_mark")
"""Answers whose default is a guess: a policy that took it says so beside it."""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of the sound application: what the first record bears, what each of the others does, and all together."""

    first: Fraction
    each: Fraction
    total: Fraction


def values(answers: Answers) -> dict[str, str]:
    """Every name that a template may speak of (`$name`), for these answers."""
    found = _of_the_call(answers) | _of_time(answers) | _of_records(answers)
    if answers.money is not None:
        found |= _of_money(answers.money, count_of(answers), answers)
    if answers.score is not None:
        found |= _of_score(answers.score)
    return found | {"results": ", ".join(_results(answers))}


def conditions(answers: Answers) -> set[str]:
    """Every condition of the templates (`#if NAME`) that holds for these answers."""
    money, score = answers.money, answers.score
    holds = {
        "title_it": "it" in answers.titles,
        "title_en": "en" in answers.titles,
        "issuer": bool(answers.issuer),
        "list": answers.listed is not None,
        "no_list": answers.listed is None,
        "several": count_of(answers) > 1,
        "minimum": answers.minimum > 0,
        "no_minimum": answers.minimum == 0,
        "opening": answers.opening is not None,
        "money": money is not None,
        "no_money": money is None,
        "list_only": money is None and answers.listed is not None,
        "list_money": money is not None and answers.listed is not None,
        "flat_money": money is not None and answers.listed is None,
        "least_costs": money is not None and money.least_costs > 0,
        "odd_cent": money is not None and _odd_total(money, count_of(answers)) is not None,
        "score": score is not None,
        "bonus": score is not None and score.bonus > 0,
        "definitions": money is not None or answers.listed is not None,
        "results": money is not None or score is not None or answers.listed is not None,
        "stub": answers.text is None,
        "own_text": answers.text is not None,
    }
    return {name for name, value in holds.items() if value}


def count_of(answers: Answers) -> int:
    """How many records the sound application lists: exactly the minimum, or two where there is none."""
    return (answers.minimum or 2) if answers.listed is not None else 1


def record_codes(answers: Answers) -> list[str]:
    """The keys of the records of the sound application."""
    return ["FIRST", *(f"OTHER{i}" for i in range(1, count_of(answers)))]


def sound_costs(terms: Money, count: int) -> Costs:
    """Costs that are enough, even without the last of several records, and that leave the first one something at every threshold."""
    at_cap = _total_at_cap(terms)
    bound = min(at_cap, terms.least_costs or at_cap) - CENT
    each = _rounded(bound / (count + 1))
    total = max(terms.least_costs + each, count * each)
    return Costs(first=total - (count - 1) * each, each=each, total=total)


def grant(terms: Money, total: Fraction) -> Fraction:
    """What the policy pays: the rate of the costs, at most the cap, cents rounded down."""
    return Fraction(floor(min(terms.cap, terms.rate * total) * 100), 100)


def _of_the_call(answers: Answers) -> dict[str, str]:
    return {
        "name": answers.name,
        "title_it": _quoted(answers.titles.get("it", "")),
        "title_en": _quoted(answers.titles.get("en", "")),
        "title": next(iter(answers.titles.values())),
        "issuer": _quoted(answers.issuer),
        "issuer_said": answers.issuer,
        "root": answers.root.name,
        "root_it": _label(answers.root.said["it"][0]),
        "root_en": _label(answers.root.said["en"][0]),
    } | {f"look_at_{key}": _mark(answers, key) for key in TO_LOOK_AT}


def _mark(answers: Answers, key: str) -> str:
    """What stands behind a value that nobody gave."""
    words = {"it": "da controllare: è un valore di partenza", "en": "to be looked at: a value to start from"}
    return f"  # {words[answers.lang]}" if key in answers.taken else ""


def _of_time(answers: Answers) -> dict[str, str]:
    closing, opening = answers.closing, answers.opening
    submitted = closing - timedelta(days=1)
    if opening is not None and submitted < opening:
        submitted = opening
    found = {
        "closing": _moment(closing),
        "closing_said": _said_moment(closing, answers.lang),
        "after_closing": _moment(closing + SECOND),
        "submitted": _moment(submitted),
    }
    if opening is not None:
        found |= {
            "opening": _moment(opening),
            "opening_said": _said_moment(opening, answers.lang),
            "before_opening": _moment(opening - SECOND),
        }
    return found


def _of_records(answers: Answers) -> dict[str, str]:
    listed = answers.listed
    if listed is None:
        return {}
    codes = record_codes(answers)
    # With a single record, dropping it drops the costs as well.
    alone = len(codes) == 1 and answers.money is not None and answers.money.least_costs > 0
    too_few = [f"enough_{listed.many}", *(["costs_reached"] if alone else [])] if answers.minimum else []
    return {
        "entity": listed.name,
        "list": listed.many,
        "entity_it": _label(listed.said["it"][0]),
        "entity_en": _label(listed.said["en"][0]),
        "list_it": _label(listed.said["it"][1]),
        "list_en": _label(listed.said["en"][1]),
        "few_it": listed.said["it"][1],
        "few_en": listed.said["en"][1],
        "minimum": str(answers.minimum),
        "count": str(len(codes)),
        "others": str(len(codes) - 1),
        "one_fewer": str(len(codes) - 1),
        "last": codes[-1],
        "records": _records(answers, codes),
        "too_few": ", ".join(too_few),
        "too_few_and_unsigned": ", ".join(["declaration", *too_few]),
        "without_one": "rejected" if answers.minimum else "admitted",
    }


def _records(answers: Answers, codes: list[str]) -> str:
    """The list of the example application, each record on its own lines."""
    costs = sound_costs(answers.money, len(codes)) if answers.money is not None else None
    lines = []
    for code in codes:
        lines += [f"  - code: {code}", "    declaration_signed: true"]
        if costs is not None:
            lines.append(f"    costs: {_euro(costs.first if code == codes[0] else costs.each)}")
    return "\n".join(lines)


def _of_money(terms: Money, count: int, answers: Answers) -> dict[str, str]:
    costs = sound_costs(terms, count)
    others = costs.total - costs.first
    at_cap = _total_at_cap(terms)
    odd = _odd_total(terms, count) or costs.total
    totals = {
        "sound": costs.total, "at_cap": at_cap, "below_cap": at_cap - CENT, "above_cap": at_cap + CENT, "odd": odd,
        "at_least": terms.least_costs, "below_least": terms.least_costs - CENT,
    }  # fmt: skip
    found = {
        "rate": _percent(terms.rate),
        "rate_said": number(terms.rate * 100, answers.lang) + "%",
        "cap": _euro(terms.cap),
        "cap_said": money(terms.cap, answers.lang, "EUR"),
        "least_costs": _euro(terms.least_costs),
        "least_costs_said": money(terms.least_costs, answers.lang, "EUR"),
        "costs_path": '"' + f"{answers.listed.many}[FIRST].costs" + '"' if answers.listed else "costs",
        "first_costs": _euro(costs.first),
        "each_costs": _euro(costs.each),
    }
    for name, total in totals.items():
        enough = total >= terms.least_costs
        found |= {
            f"{name}_total": _euro(total),
            f"{name}_costs": _euro(total - others),
            f"{name}_grant": _euro(grant(terms, total)),
            f"{name}_outcome": "admitted" if enough else "rejected",
            f"{name}_failed": "" if enough else "costs_reached",
        }
    return found


def _of_score(score: Score) -> dict[str, str]:
    return {
        "pass_mark": _plain(score.minimum),
        "pass_mark_said": _plain(score.minimum),
        "below_pass": _plain(score.minimum - CENT),
        "bonus": _plain(score.bonus),
        "with_bonus": _plain(score.minimum + score.bonus),
    }


def _results(answers: Answers) -> list[str]:
    listed = [f"counted_{answers.listed.many}"] if answers.listed is not None else []
    paid = ["total_costs", "grant"] if answers.listed is not None else ["grant"]
    return listed + (paid if answers.money is not None else []) + (["base_score", "final_score"] if answers.score is not None else [])


def _total_at_cap(terms: Money) -> Fraction:
    """The least costs, in cents, at which the cap is reached."""
    return Fraction(ceil(terms.cap / terms.rate * 100), 100)


def _odd_total(terms: Money, count: int) -> Fraction | None:
    """Costs near those of the sound application whose grant does not end at a cent; None where there are none."""
    start = sound_costs(terms, count).total
    near = (start + CENT * i for i in range(1, 101))
    return next((t for t in near if (terms.rate * t * 100).denominator != 1 and terms.rate * t < terms.cap), None)


def _rounded(amount: Fraction) -> Fraction:
    """An amount rounded down to one that reads well: two figures, and never parts of a cent."""
    if amount < 1:
        return Fraction(floor(max(amount, Fraction(0)) * 100), 100)
    step = Fraction(10) ** max(floor(log10(float(amount))) - 1, 0)
    return floor(amount / step) * step


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")


def _said_moment(moment: datetime, lang: Language) -> str:
    time = moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    return f"ore {time} del {day(moment.date(), lang)}" if lang == "it" else f"{time} on {day(moment.date(), lang)}"


def _euro(amount: Fraction) -> str:
    whole, cents = divmod(int(amount * 100), 100)
    return f"{whole:_}" + (f".{cents:02}" if cents else "") + " EUR"


def _percent(rate: Fraction) -> str:
    return _plain(rate * 100) + "%"


def _plain(value: Fraction) -> str:
    """A number of at most two decimals, without noughts at its end."""
    whole, decimals = divmod(int(value * 100), 100)
    return f"{whole}" + (f".{decimals:02}".rstrip("0") if decimals else "")


def _quoted(text: str) -> str:
    """A text as YAML reads it back, whatever signs are in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _label(word: str) -> str:
    return word[:1].upper() + word[1:]
