"""Tables in memory: whatever Arrow lays out in its ways is read, and what would go unread is refused with a code."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from bandolo import BandoloError, Policy
from bandolo.batch import BadTables, prepare, rank, run, simulate
from bandolo.policy import policy_from_bytes

BIDS = """
bandolo: 1
policy: {id: bids, title: Bids, decides: bid}
parameters: {least: {type: integer, value: 1}}
entities:
  bid: {facts: {id: {type: text, key: true}, score: integer, firms: list of firm}}
  firm: {facts: {id: {type: text, key: true}, size: company_size, ok: boolean}}
choices: {company_size: [small, large]}
definitions:
  bid: {small_firms: count(firms where size = small and ok)}
requirements:
  bid: {enough: {check: small_firms >= least, otherwise: reject}}
results: [small_firms]
ranking: {order_by: [score descending]}
"""
FIRM = pa.struct([("id", pa.string()), ("size", pa.string()), ("ok", pa.bool_())])
FIRMS = [
    [{"id": "F", "size": "small", "ok": True}],
    [],
    [{"id": "F", "size": "large", "ok": True}, {"id": "G", "size": "small", "ok": True}],
]
"""So the three bids below are admitted, rejected and admitted."""


def policy() -> Policy:
    return policy_from_bytes("bids.yaml", BIDS.encode())


def bids(type_: pa.DataType | None = None) -> pa.Table:
    return pa.table({"id": ["A", "B", "C"], "firms": pa.array(FIRMS, type_ or pa.list_(FIRM))})


def firms() -> pa.Table:
    return pa.table({"bid": ["A", "C", "C"], **{n: [f[n] for some in FIRMS for f in some] for n in ("id", "size", "ok")}})


class Frame:
    """A data frame of another library, as Arrow sees it."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


VIEWS = pa.struct([("id", pa.string_view()), ("size", pa.dictionary(pa.uint32(), pa.string_view())), ("ok", pa.bool_())])


def with_views() -> pa.Table:
    size = pa.array(["small", "large", "small"]).dictionary_encode().cast(pa.dictionary(pa.uint32(), pa.string_view()))
    inner = [pa.array(["F", "F", "G"], pa.string_view()), size, pa.array([True] * 3)]
    lists = pa.LargeListArray.from_arrays(pa.array([0, 1, 1, 3]), pa.StructArray.from_arrays(inner, fields=list(VIEWS)))
    return pa.table({"id": pa.array(["A", "B", "C"], pa.string_view()), "firms": lists})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(bids, id="table"),
        pytest.param(lambda: bids(pa.large_list(FIRM)), id="large lists"),
        pytest.param(lambda: pa.concat_tables([bids().slice(0, 1), bids().slice(1)]), id="in pieces"),
        pytest.param(lambda: bids().combine_chunks().to_batches()[0], id="batch"),
        pytest.param(lambda: Frame(bids()), id="frame"),
        pytest.param(lambda: {"bid": Frame(bids())}, id="frame by entity"),
        pytest.param(with_views, id="views of texts"),
        pytest.param(lambda: {"bid": bids().drop_columns(["firms"]), "firm": firms()}, id="apart"),
        pytest.param(
            lambda: {"bid": bids().set_column(1, "firms", pa.nulls(3)), "firm": Frame(firms())}, id="apart, beside an empty column"
        ),
    ],
)
def test_tables_are_read_however_arrow_lays_them_out(given: Callable[[], Any]) -> None:
    decided = run(policy(), given(), records="firm")
    assert decided.applications["outcome"].to_pylist() == ["admitted", "rejected", "admitted"]
    assert decided.records["firm"]["record"].to_pylist() == ["firms[F]", "firms[F]", "firms[G]"]
    assert (decided.by_columns, decided.errors) == (3, {})


def test_lists_of_a_fixed_length_are_read() -> None:
    pairs = pa.array([FIRMS[2], None, FIRMS[2]], pa.list_(FIRM, 2))
    assert run(policy(), pa.table({"id": ["A", "B", "C"], "firms": pairs})).applications["outcome"].to_pylist() == [
        "admitted",
        "undetermined",
        "admitted",
    ]


def test_lists_that_are_all_empty_are_empty_and_not_missing() -> None:
    """Arrow does not know of what they are lists."""
    decided = run(policy(), pa.table({"id": ["A", "B"], "firms": [[], None]}))
    assert decided.applications["outcome"].to_pylist() == ["rejected", "undetermined"]


TWICE = pa.table([["A"], ["B"]], names=["id", "id"])
INSIDE = pa.ListArray.from_arrays([0, 1], pa.StructArray.from_arrays([pa.array(["F"]), pa.array(["G"])], names=["id", "id"]))
OWNED = firms().drop_columns(["size", "ok"])


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(TWICE, "column-twice", id="column twice"),
        pytest.param(
            {"bid": bids().select(["id"]), "firm": OWNED.append_column("id", OWNED["id"])}, "column-twice", id="column twice apart"
        ),
        pytest.param(pa.table({"id": ["A"], "firms": INSIDE}), "column-twice", id="inside a list"),
        pytest.param({}, "table-missing", id="no table"),
        pytest.param({"firm": firms()}, "table-missing", id="no table of the applications"),
        pytest.param({"bid": bids(), "firmm": firms()}, "table-no-entity", id="table of no entity"),
        pytest.param({"bid": bids(), "firm": firms()}, "records-in-two-places", id="records twice"),
        pytest.param({"bid": pa.table({"id": ["A"], "firms": [1]}), "firm": firms()}, "records-in-two-places", id="a count, records apart"),
        pytest.param({"bid": pa.table({"score": [1]}), "firm": firms()}, "missing-column", id="owners without a key"),
        pytest.param(pa.table({"id": ["A"], "firms": [3]}), "records-no-list", id="a count of records"),
        pytest.param(pa.table({"id": ["A"], "firms": [["F"]]}), "records-no-list", id="keys of records"),
        pytest.param(pa.table({"id": ["A"], "firms": [[None]]}), "records-null", id="no record"),
    ],
)
def test_what_would_go_unread_is_refused(given: Any, code: str) -> None:
    ways: list[Callable[[], object]] = [
        lambda: run(policy(), given),
        lambda: prepare(policy()).decide(given),
        lambda: rank(policy(), given),
        lambda: simulate(policy(), given, vary={"least": "1..2"}),
    ]
    for way in ways:
        with pytest.raises(BadTables) as bad:
            way()
        assert [d.code for d in bad.value.diagnostics] == [code]


@pytest.mark.parametrize("records", ["firmm", ["firm", "bid"]])
def test_records_that_the_policy_does_not_have_cannot_be_asked_for(records: Any) -> None:
    with pytest.raises(BadTables, match="table-no-entity"):
        run(policy(), bids(), records=records)


@pytest.mark.parametrize("given", [[{"id": "A"}], {"bid": [{"id": "A"}]}, None])
def test_what_is_no_table_is_a_type_error(given: Any) -> None:
    with pytest.raises(TypeError, match="a table is needed here"):
        run(policy(), given)


def test_bad_tables_are_an_error_like_the_others() -> None:
    """With diagnostics and words, also when they come from another process."""
    with pytest.raises(BandoloError) as bad:
        run(policy(), TWICE)
    sent = pickle.loads(pickle.dumps(bad.value))
    assert isinstance(sent, BadTables)
    assert (sent.diagnostics, str(sent)) == (bad.value.diagnostics, str(bad.value))
    assert "the column `id` is there twice" in str(sent)
    assert sent.diagnostic.to_dict("it")["message"].startswith("la colonna `id` c'è due volte")


def test_a_policy_is_made_ready_once_for_tables_after_tables() -> None:
    ready = prepare(policy(), records=["firm"], set={"least": 2})
    for piece in (bids(), bids().slice(1), bids().slice(0, 0), pa.table({"id": ["A"]}), bids()):
        whole = run(policy(), piece, records=["firm"], set={"least": 2})
        assert ready.decide(piece) == whole
    assert len(ready.programs) < 5


def test_a_policy_from_the_cache_is_not_read_for_a_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from bandolo import load_policy

    monkeypatch.setenv("BANDOLO_CACHE", str(tmp_path / "kept"))
    (tmp_path / "bids.yaml").write_text(BIDS, encoding="utf-8")
    load_policy(tmp_path / "bids.yaml")
    kept = load_policy(tmp_path / "bids.yaml")
    run(kept, bids())
    assert not kept._loaded
