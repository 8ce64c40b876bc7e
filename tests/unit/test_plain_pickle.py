"""Pickles: CIFAR-10's are read as its own library reads them, and nothing in any is ever run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.datasets import plain_pickle
from bench.datasets.plain_pickle import PickleError
from tests.support.cifar_batches import batches, python_batch

RECORDS = batches(each=300)["data_batch_1"]
BATCH = python_batch(RECORDS)


def test_a_batch_is_read_as_pickle_itself_reads_it() -> None:
    held, known = plain_pickle.loads(BATCH), pickle.loads(BATCH, encoding="bytes")
    assert held.keys() == known.keys() == {b"batch_label", b"labels", b"data", b"filenames"}
    assert (held[b"data"] == known[b"data"]).all()
    assert held[b"data"].shape == (300, 3072)
    assert held[b"labels"] == known[b"labels"] == RECORDS[:, 0].tolist()
    assert held[b"filenames"] == known[b"filenames"]


class _Calls:
    """Pickled as a call of a function, by whichever operation the protocol has for it."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("wrapped", [lambda it: it, lambda it: {"data": it}, lambda it: [1, (it,)]])
def test_a_pickle_that_would_run_a_command_is_refused_and_runs_none(
    tmp_path: Path, protocol: int, wrapped: Any
) -> None:
    canary = tmp_path / "ran"
    data = pickle.dumps(wrapped(_Calls(os.system, f"touch {canary}")), protocol)
    with pytest.raises(PickleError):
        plain_pickle.loads(data)
    assert not canary.exists()
    pickle.loads(data)  # what it would have done
    assert canary.exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"cos\nsystem\n(U\x02lstR.", "the name os.system"),
        (b"cbuiltins\neval\n(U\x011tR.", "the name builtins.eval"),
        (b"cnumpy.core.multiarray\nfromfile\n)R.", "the name numpy.core.multiarray.fromfile"),
        (b"cnumpy\nload\n(U\x01xtR.", "the name numpy.load"),
        (b"cnumpy\nndarray\n(K\x05tR.", "a call"),
        (b"U\x02osU\x06system\x93)R.", "the operation STACK_GLOBAL"),
        (b"(U\x02lsios\nsystem\n.", "the operation INST"),
        (b"(cos\nsystem\nU\x02lso.", "the name os.system"),
        (b"cnumpy\nndarray\n)\x81.", "the operation NEWOBJ"),
        (b"\x82\x01.", "the operation EXT1"),
        (b"Pid\n.", "the operation PERSID"),
        (b"}}b.", "an object that is built"),
        (b"K\x01K\x02R.", "a call"),
        (b"cnumpy\ndtype\nU\x01O\x85R.", None),  # alone it is a name, and no array
        (b"I01\n.", "the operation INT"),
    ],
)
def test_every_operation_and_name_beside_those_of_arrays_is_refused_by_its_name(
    data: bytes, told: str | None
) -> None:
    if told is None:
        assert not isinstance(plain_pickle.loads(data), np.ndarray)
        return
    with pytest.raises(PickleError, match="no plain data") as refused:
        plain_pickle.loads(data)
    assert told in str(refused.value)


def test_an_array_of_objects_is_refused() -> None:
    with pytest.raises(PickleError, match="not of bytes"):
        plain_pickle.loads(BATCH.replace(b"U\x02u1", b"U\x02O8"))


def test_an_array_that_claims_more_than_there_is_is_damaged() -> None:
    with pytest.raises(PickleError, match="cut short or damaged"):
        plain_pickle.loads(BATCH.replace(b"(K\x01M\x2c\x01", b"(K\x01M\x2d\x01"))


@pytest.mark.parametrize("end", [0, 1, 2, 30, 60, 400, len(BATCH) // 2, len(BATCH) - 1])
def test_a_pickle_that_is_cut_short_is_told_so(end: int) -> None:
    with pytest.raises(PickleError, match="cut short or damaged"):
        plain_pickle.loads(BATCH[:end])


_OPERATIONS = st.sampled_from(
    (
        *(b"(", b"]", b"}", b")", b"e", b"u", b"s", b"a", b"t", b"\x85", b"\x86", b"R", b"b", b"N"),
        *(b".", b"q\x01", b"h\x01", b"K\x07", b"U\x02ab", b"0", b"2"),
        *(b"cnumpy\ndtype\n", b"cnumpy\nndarray\n", b"cnumpy.core.multiarray\n_reconstruct\n"),
    )
)


@given(st.lists(_OPERATIONS, max_size=30).map(b"".join) | st.binary(max_size=200))
def test_whatever_the_bytes_it_is_plain_data_or_one_refusal(data: bytes) -> None:
    try:
        held = plain_pickle.loads(data)
    except PickleError:
        return
    assert not callable(held)
