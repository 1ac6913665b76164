"""The list of a large ranking: places, money down the list, reasons by code; whole columns, but where the money runs short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch.helpers import Array
from bandolo.batch.keys import cents, in_order, key_names, running
from bandolo.batch.outgoing import TEXTS, cents_array
from bandolo.batch.ranking_columns import EXACT
from bandolo.batch.tables import BadTables, one
from bandolo.check import core
from bandolo.ranking.entrant import Strike
from bandolo.ranking.options import Options
from bandolo.ranking.spending import Spending

STATUSES = ("financed", "partly_financed", "admitted_not_financed", "undetermined", "suspended", "not_admitted")
WHYS = ("fits", "no_budget", "partial", "short", "skipped", "closed", "tie", "after_tie")
STRUCK = pa.list_(pa.struct([("record", pa.string()), ("key", pa.string()), ("name", pa.string()), ("kept_by", pa.string())]))
MONEY = pa.decimal128(38, 2)
NAMED = 20
LOOK = 4096
"""So many at a time are looked at for the next that fits."""


@dataclass(frozen=True)
class Listed:
    """The list as a table, and what is counted of it."""

    table: pa.Table
    counted: dict[str, Any]


@dataclass
class Shares:
    """Down the list: what each gets of each pot, its status and why, what was left before it (cents)."""

    statuses: Array
    whys: Array
    pots: list[Array]
    left: list[Array]
    stopped: tuple[int, int] | None = None
    """Where the tie is at which the award stopped."""
    closed: int | None = None
    """Where the list was closed."""


@dataclass(frozen=True)
class _Asking:
    id: str
    pots: tuple[Any, ...]


def told(
    policy: core.Policy, options: Options, table: pa.Table, strikes: Mapping[str, list[Strike]], disputed: Mapping[str, Sequence[str]],
    places: Array | None = None,
) -> Listed:  # fmt: skip
    """The list of what the ranking takes of all applications, after the strikes.

    `places` are the rows of `table` at which each application stands, where they are not all of them: the columns of the list are put in
    order one after another, and never all of them twice in memory.
    """
    places = np.arange(table.num_rows) if places is None else places
    names = one(table["application"].take(pa.array(places)))
    words = one(table["rank.standing"].cast(pa.string()).take(pa.array(places)))
    is_disputed = np.asarray(pc.is_in(names, value_set=pa.array(sorted(disputed), pa.string())))
    in_list = np.asarray(pc.fill_null(pc.equal(words, "candidate"), False)) & ~is_disputed
    rows = np.flatnonzero(in_list)
    others = unplaced(names, words, in_list)
    del names, words
    keys = ["application", *(name for key, _ in key_names(policy, "key") for name in key)]
    order, begins = in_order(policy, table.select(keys).take(pa.array(places[rows])).combine_chunks())
    rows = rows[order]
    assert policy.ranking is not None
    pots = [f"rank.pot.{name}" for name, _, _ in policy.ranking.pots] or ["rank.award"]
    asked = [cents(one(table[name].take(pa.array(places[rows])))) for name in pots]
    shares = spent(asked, begins, options)
    del asked
    listed = np.concatenate([rows, others])
    return list_table(policy, options, table, places[listed], begins, shares, strikes, disputed, is_disputed[listed])


def spent(asked: list[Array], begins: Array, options: Options) -> Shares:
    """What each in the list gets; `asked` in cents by pot, `begins` where groups begin that no key tells apart."""
    count = len(begins)
    made = Shares(np.zeros(count, np.int8), np.zeros(count, np.int8), [a.copy() for a in asked], [])
    if options.budget is None:
        made.whys[:] = WHYS.index("no_budget")
        return made
    options = in_cents(options)
    budget = [int(b) for b in options.budget or ()]
    sums = [running(a) for a in asked]
    made.left = [_before(s, a, b) for s, a, b in zip(sums, asked, budget, strict=True)]
    over = np.zeros(count, bool)
    for total, most in zip(sums, budget, strict=True):
        over |= total > most
    if any(len(a) and a.min() < 0 for a in asked):
        over[:1] = True  # a sum that goes down tells nothing of those before it
    if not over.any():
        return made
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], count)
    group: int | None = int(np.searchsorted(starts, int(np.argmax(over)), "right")) - 1
    at = int(starts[group])
    left = [Fraction(most - (int(total[at - 1]) if at else 0)) for total, most in zip(sums, budget, strict=True)]
    spending = Spending(options, tuple(left))
    while at < count and group is not None and not _ended(spending):
        if options.when_short == "next_that_fits":
            group = _next_group(asked, at, spending.left, starts)
            begin = count if group is None else max(int(starts[group]), at)
            give_nothing(made, spending, at, begin, "admitted_not_financed", "skipped")
            at = begin
            if group is None:
                continue
        end = int(ends[group])
        members = [_Asking(str(i), tuple(int(a[i]) for a in asked)) for i in range(at, end)]
        for id_, share in spending.give(members).items():
            i = int(id_)
            made.statuses[i], made.whys[i] = STATUSES.index(share.status), WHYS.index(share.why)
            for amounts, before, pot, have in zip(made.pots, made.left, share.pots, share.left, strict=True):
                amounts[i], before[i] = int(pot), int(have)
        if spending.stopped:
            made.stopped = at, end
        at, group = end, group + 1
    if made.stopped is not None:
        give_nothing(made, spending, at, count, "undetermined", "after_tie")
    elif spending.closed:
        made.closed = int(spending.closed)
        give_nothing(made, spending, at, count, "admitted_not_financed", "closed")
    return made


def _ended(spending: Spending) -> bool:
    return bool(spending.closed or spending.stopped)


def in_cents(options: Options) -> Options:
    """The options with the money in cents, in which a table is ranked. Raises BadTables for money that is not whole cents."""
    if options.budget is None:
        return options
    for amount in options.budget:
        if (amount * 100).denominator != 1:
            raise BadTables("rank-number-too-long", number=str(amount))
    return replace(options, budget=tuple(b * 100 for b in options.budget))


def give_nothing(made: Shares, spending: Spending, begin: int, end: int, status: str, why: str) -> None:
    """Say of those from `begin` to `end` in the list that they get nothing, with what status and why."""
    made.statuses[begin:end] = STATUSES.index(status)
    made.whys[begin:end] = WHYS.index(why)
    for amounts, before, have in zip(made.pots, made.left, spending.left, strict=True):
        amounts[begin:end], before[begin:end] = 0, int(have)


def _next_group(asked: list[Array], at: int, left: Sequence[Any], starts: Array) -> int | None:
    """The next group in which one fits."""
    for begin in range(at, len(asked[0]), LOOK):
        fits = np.ones(len(asked[0][begin : begin + LOOK]), bool)
        for amounts, have in zip(asked, left, strict=True):
            fits &= amounts[begin : begin + LOOK] <= int(have)
        if fits.any():
            return int(np.searchsorted(starts, begin + int(np.argmax(fits)), "right")) - 1
    return None


def _before(sums: Array, asked: Array, budget: int) -> Array:
    """What is left of a pot before each, as long as all is given that is asked."""
    if sums.dtype == object or abs(budget) >= 2**62:
        return np.array([budget - int(s) + int(a) for s, a in zip(sums, asked, strict=True)], object)
    found: Array = budget - (sums - asked)
    return found


def unplaced(names: pa.Array, words: pa.Array, in_list: Array) -> Array:
    """The rows that are not in the list: undetermined, suspended, not admitted, then bad data; each by id."""
    rest = np.flatnonzero(~in_list)
    places = {"candidate": 0, "undetermined": 0, "suspended": 1, "not_admitted": 2, None: 3}
    coded = words.take(pa.array(rest)).dictionary_encode()
    of = np.array([places[w] for w in coded.dictionary.to_pylist()] + [3])
    place = of[np.asarray(pc.fill_null(coded.indices, len(of) - 1))]
    some = pa.table({"place": place, "name": names.take(pa.array(rest))})
    found: Array = rest[np.asarray(pc.sort_indices(some, sort_keys=[("place", "ascending"), ("name", "ascending")]))]
    return found


def list_table(
    policy: core.Policy, options: Options, table: pa.Table, rows: Array, begins: Array, shares: Shares,
    strikes: Mapping[str, list[Strike]], disputed: Mapping[str, Sequence[str]], is_disputed: Array,
) -> Listed:  # fmt: skip
    """The list as it is written: the `rows` of `table`, those in the list in their order (`begins`, `shares`), then the others."""
    count, whole = len(begins), len(rows)
    rest = whole - count
    taken = pa.array(rows)

    def ordered(name: str) -> pa.Array:
        return one(table[name].take(taken))

    names = ordered("application")
    starts = np.flatnonzero(begins)
    group = np.cumsum(begins) - 1
    position = starts[group] + 1 if count else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, count))
    tied = sizes[group] > 1 if count else np.zeros(0, bool)
    words = ordered("rank.standing").cast(pa.string())
    statuses = _statuses(shares, words, is_disputed, count)
    amounts = sum(shares.pots[1:], shares.pots[0]) if shares.pots else np.zeros(count, np.int64)
    total = running(amounts)
    undetermined = shares.statuses == STATUSES.index("undetermined")
    lost = np.zeros(whole, bool)
    at = np.asarray(pc.index_in(pa.array(list(strikes), pa.string()), value_set=names)) if strikes else np.zeros(0, np.int64)
    lost[at] = True
    columns: dict[str, Any] = {
        "position": _longer(pa.array(position.astype(np.int64)), rest),
        "application": names,
        "status": statuses,
        "tied": pa.array(np.append(tied, np.zeros(rest, bool))),
    }
    listed = pa.array(np.append(np.ones(count, bool), np.zeros(rest, bool)))
    for key, _ in key_names(policy, "key"):
        for name in key:
            columns[name.removeprefix("rank.")] = _of_ranked(ordered(name), listed)
    columns["requested"] = _of_ranked(ordered("rank.award"), listed)
    columns["amount"] = _longer(money_column(amounts, undetermined), rest)
    for name, amount in zip(options.pots, shares.pots, strict=False):
        columns[f"pot.{name}"] = _longer(money_column(amount, None), rest)
    columns["cumulative"] = _longer(money_column(total, None), rest)
    after = [have - given for have, given in zip(shares.left, shares.pots, strict=False)]
    columns["left"] = _longer(money_column(sum(after[1:], after[0]), None), rest) if after else pa.nulls(whole, MONEY)
    columns["struck"] = _struck(strikes, at, whole)
    missing = ordered("missing")
    columns["reasons"] = _reasons(shares, begins, tied, words, lost, is_disputed, missing, count)
    columns["disputed_with"] = _with_whom(disputed, names)
    columns["failed"], columns["missing"], columns["error"] = ordered("failed"), missing, ordered("error")
    made = pa.table(columns)
    return Listed(made, _counted(options, made, shares, starts, sizes, total, after, names))


def _of_ranked(column: pa.Array, listed: pa.Array) -> pa.Array:
    """A column that says nothing of those that are not in the list."""
    if column.null_count == len(column):
        return column
    return pc.if_else(listed, column, pa.scalar(None, column.type))


def _with_whom(disputed: Mapping[str, Sequence[str]], names: pa.Array) -> pa.Array:
    """With whom an application shares a record that nothing awards to one of them."""
    which = pc.fill_null(pc.index_in(names, value_set=pa.array(list(disputed), pa.string())), len(disputed))
    return pa.array([*map(list, disputed.values()), []], TEXTS).take(which)


def _longer(column: pa.Array, more: int) -> pa.Array:
    return pa.concat_arrays([column, pa.nulls(more, column.type)]) if more else column


def money_column(amounts: Array, gone: Array | None) -> pa.Array:
    """Amounts in cents as a column, empty where they are `gone`."""
    if amounts.dtype == object:
        return pa.array([Decimal(int(a)).scaleb(-2, EXACT) for a in amounts], MONEY, mask=gone)
    return cents_array(amounts.astype(np.int64), gone)


def _statuses(shares: Shares, words: pa.Array, disputed: Array, count: int) -> pa.Array:
    rest = words.slice(count).dictionary_encode()
    of = [STATUSES.index("undetermined" if w == "candidate" else w) for w in rest.dictionary.to_pylist()] or [0]
    null = np.asarray(rest.is_null())
    codes = np.concatenate([shares.statuses, np.array(of, np.int8)[np.asarray(pc.fill_null(rest.indices, 0))]])
    codes[disputed] = STATUSES.index("undetermined")
    mask = np.append(np.zeros(count, bool), null)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8), mask=mask), pa.array(STATUSES))


def _struck(strikes: Mapping[str, list[Strike]], at: Array, whole: int) -> pa.Array:
    counts = np.zeros(whole, np.int64)
    lists = list(strikes.values())
    counts[at] = [len(found) for found in lists]
    flat = [s for i in np.argsort(at, kind="stable") for s in lists[i]]
    struct = pa.array([{"record": s.record, "key": s.key, "name": s.name, "kept_by": s.kept_by} for s in flat], STRUCK.value_type)
    return pa.ListArray.from_arrays(pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32)), struct)


def _reasons(
    shares: Shares, begins: Array, tied: Array, words: pa.Array, lost: Array, disputed: Array, missing: pa.Array, count: int
) -> pa.Array:  # fmt: skip
    """The codes of the words with which a small ranking says why (ranking/words.py); a requirement that failed is told in `failed`."""
    first = np.zeros(count, bool)
    if count:
        second = np.flatnonzero(begins)[1:2]
        first[: int(second[0]) if len(second) else count] = True
    placed = ((first * 2 + tied) * len(WHYS) + shares.whys) * 2 + lost[:count]
    lists: list[list[str]] = []
    for code in range(2 * 2 * len(WHYS) * 2):
        rest, was = divmod(code, 2)
        rest, why = divmod(rest, len(WHYS))
        is_first, is_tied = divmod(rest, 2)
        found = ["first" if is_first else "below", *(["equal"] if is_tied else []), *([WHYS[why]] if WHYS[why] != "fits" else [])]
        lists.append([*found, *(["struck"] if was else [])])
    begin = len(lists)
    rest_words = words.slice(count)
    suspended = np.asarray(pc.fill_null(pc.equal(rest_words, "suspended"), False))
    lacks = np.asarray(pc.fill_null(pc.list_value_length(missing.slice(count)), 0)) > 0
    codes = np.where(disputed[count:], 8, lost[count:] * 4 + suspended * 2 + lacks)
    for code in range(8):
        lists.append([*(["struck", "fell"] if code & 4 else []), *(["suspended"] if code & 2 else []), *(["missing"] if code & 1 else [])])
    lists.append(["disputed"])
    return pa.array(lists, TEXTS).take(pa.array(np.append(placed, begin + codes).astype(np.int64)))


def _counted(
    options: Options, table: pa.Table, shares: Shares, starts: Array, sizes: Array, total: Array, after: list[Array], names: pa.Array
) -> dict[str, Any]:
    statuses = {item["values"]: item["counts"] for item in pc.value_counts(one(table["status"]).drop_null()).to_pylist()}
    ties = np.flatnonzero(sizes > 1)
    left = [Fraction(int(a[-1]), 100) for a in after] if len(total) else list(options.budget or ())
    tied = tuple(tuple(names.slice(int(starts[i]), int(sizes[i])).slice(0, NAMED).to_pylist()) for i in ties[:NAMED])
    return {
        "applications": table.num_rows,
        "ranked": len(total),
        "statuses": {s: statuses[s] for s in STATUSES if s in statuses},
        "awarded": Fraction(int(total[-1]), 100) if len(total) else Fraction(0),
        "budget": None if options.budget is None else sum(options.budget, Fraction(0)),
        "left": None if options.budget is None else sum(left, Fraction(0)),
        "pots": tuple(zip(options.pots, options.budget or (), left, strict=False)),
        "ties": len(ties),
        "tied": tied,
        "closed": "" if shares.closed is None else names[shares.closed].as_py(),
        "stopped": ()
        if shares.stopped is None
        else tuple(names.slice(shares.stopped[0], shares.stopped[1] - shares.stopped[0]).to_pylist()),
    }
