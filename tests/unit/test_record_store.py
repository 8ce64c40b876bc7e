from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import RecordError
from bench.record.store import SCHEMA, Record, new_path
from tests.conftest import unprivileged

_NOON = datetime.datetime(2026, 11, 21, 12, 0, 5, tzinfo=datetime.timezone.utc)


def _content(record: Record) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(record.path.read_text(encoding="utf-8"))
    return document


def test_every_entry_is_on_the_disk_as_soon_as_it_is_added(tmp_path: Path) -> None:
    record = Record(tmp_path / "new" / "folder" / "run.json", {"machine": {"host": "box"}})
    for count in (1, 2, 3):
        record.add({"workload": f"number {count}"})
        written = _content(record)
        assert (written["schema"], written["machine"]) == (SCHEMA, {"host": "box"})
        assert [entry["workload"] for entry in written["results"]][-1] == f"number {count}"
        assert len(written["results"]) == count
    assert [path.name for path in record.path.parent.iterdir()] == ["run.json"]


def test_nan_and_the_infinities_become_null_so_that_every_json_reader_takes_the_file(
    tmp_path: Path,
) -> None:
    record = Record(tmp_path / "run.json", {})
    record.add({"loss": [math.nan, 0.5, math.inf], "quality": {"value": -math.inf}})

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    text = record.path.read_text(encoding="utf-8")
    entry = json.loads(text, parse_constant=refuse)["results"][0]
    assert entry == {"loss": [None, 0.5, None], "quality": {"value": None}}


def test_a_full_disk_leaves_the_record_of_the_workloads_before_whole(
    tiny_disk: Callable[[int], Path],
) -> None:
    folder = tiny_disk(64)
    record = Record(folder / "run.json", {})
    record.add({"workload": "mlp"})
    before = record.path.read_bytes()
    with pytest.raises(RecordError) as refused:
        record.add({"workload": "x" * 128 * 1024})
    message = str(refused.value)
    assert f"the record {record.path} cannot be written: No space left on device" in message
    assert "--results-dir" in message
    assert "\n" not in message
    assert record.path.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    assert record.written


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file", encoding="utf-8")
    path = new_path(tmp_path / "results", _NOON)
    record = Record(path, {})
    with pytest.raises(RecordError, match=r"cannot be written: (File exists|Not a directory)"):
        record.add({})
    assert not record.written
    assert (tmp_path / "results").read_text(encoding="utf-8") == "a file"


def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    with unprivileged():
        path = new_path(closed, _NOON)
        with pytest.raises(RecordError, match="Permission denied"):
            Record(path, {}).add({})
    assert path.parent == closed


def test_a_new_record_never_takes_the_place_of_another_one(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        path = new_path(tmp_path, _NOON)
        assert not path.exists()
        Record(path, {}).write()
        names.append(path.name)
    expected = ["20261121T120005Z.json", "20261121T120005Z-2.json", "20261121T120005Z-3.json"]
    assert names == expected


def test_records_sort_by_the_time_that_their_run_began(tmp_path: Path) -> None:
    later = _NOON + datetime.timedelta(days=40)
    assert new_path(tmp_path, _NOON).name < new_path(tmp_path, later).name
