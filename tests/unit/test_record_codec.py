"""A record is what it was after a file; one that is not gets a line."""

from __future__ import annotations

import codecs
import gzip
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bench.errors import RecordError
from bench.record import codec
from bench.record.head import Device
from bench.record.legacy import device
from bench.record.measured import NOT_RECORDED
from bench.record.model import Bottleneck, Failed, Finished, TimeToTarget
from tests.conftest import ROOT
from tests.support.records import (
    CPU,
    H100,
    failed,
    record,
    repeats,
    result,
    telemetry,
    time_to_target,
    write,
)

Tree = dict[str, Any]

_OLD = ROOT / "tests" / "support" / "record_schema_2.json"
_EVERYTHING = record(
    [
        result(value=math.nan),
        result("post", H100, share=0.5, busy=0.9, telemetry=telemetry(power={"limit": 300.0})),
        *repeats("convnet", [1.0, 1.1], side="B"),
        failed("mlp", H100, "killed", dataset=None),
    ],
    [time_to_target(), failed("post", CPU, "killed")],
)


def test_a_record_is_the_same_after_a_file(tmp_path: Path) -> None:
    assert codec.read(write(tmp_path, "run.json", _EVERYTHING)) == _EVERYTHING


def test_nan_and_the_infinities_are_null() -> None:
    made = result(seconds=(2.0, 1.0))
    diverged = replace(made, epochs=replace(made.epochs, loss=(math.nan, math.inf)))
    assert codec.to_json(diverged)["epochs"]["loss"] == [None, None]


@pytest.mark.parametrize(
    ("made", "id_", "option", "is_gpu"),
    [
        (Device("x"), "cpu", "cpu", False),
        (Device("x", index=0), "gpu:0", "gpu:0", True),
        (Device("x", index=3, slice=1), "gpu:3:1", "gpu:3:1", True),
        (Device("x", index=1, group="all"), "gpu:1 of all", "all", True),
        (Device("x", index=1, slice=0, group="all"), "gpu:1:0 of all", "all", True),
        (Device("x", group="gpus"), "gpus", "gpus", True),
        (Device("x", group="all"), "all", "all", True),
    ],
)
def test_a_device_has_its_words_and_is_read_from_those_of_schema_2(
    made: Device, id_: str, option: str, is_gpu: bool
) -> None:
    assert (made.id, made.option, made.is_gpu) == (id_, option, is_gpu)
    assert msgspec.convert(device(id_, {}, "x"), Device) == made


def test_a_record_of_schema_2_is_read() -> None:
    read = codec.read(_OLD)
    (trained,), (reached,) = read.results, read.time_to_target
    assert isinstance(trained, Finished)
    assert isinstance(reached, TimeToTarget)
    assert (read.settings.repeats, read.settings.interim_checks) == (1, (1,))
    assert trained.device == Device("AMD EPYC")
    assert trained.conditions.quota.throttled.value == 0.0
    assert trained.rate is not None
    assert trained.rate.peak == 199369319527.57217
    assert not trained.epochs.pauses_included
    assert trained.bottleneck == Bottleneck(
        "unknown",
        "33 % of the matrix rate measured here",
        "--mode stock,tuned would show what there is to be gained",
    )
    assert reached.max_epochs == 15


def test_a_record_of_schema_1_is_read() -> None:
    document = json.loads(_OLD.read_bytes())
    document["schema"] = 1
    for name in ("second_worker", "processes", "looks", "against", "modes", "inputs"):
        del document["settings"][name]
    del document["settings"]["time_to_target"], document["to_target"]
    entry = document["results"][0]
    for name in ("process", "side", "conditions", "telemetry", "verdict", "rate", "held_back"):
        del entry[name]
    del entry["epochs"]["paused"], entry["at_once"], entry["input"]
    (read,) = codec.decode(json.dumps(document).encode(), _OLD).results
    assert isinstance(read, Finished)
    assert (read.repeat, read.side, read.verdict, read.telemetry) == (1, None, None, None)
    assert read.epochs.pauses_included
    assert read.conditions.steal.why == NOT_RECORDED


def test_what_was_called_otherwise_in_schema_3_is_read() -> None:
    settings = _EVERYTHING.settings
    made = replace(_EVERYTHING, settings=replace(settings, rerun_options=("--seed=3",)))
    data = codec.encode(made).replace(b'"rerun_options"', b'"again"')
    assert b'"again"' in data
    assert codec.decode(data, _OLD) == made


def test_gpus_that_trained_at_once_are_found_among_the_machines() -> None:
    document = json.loads(_OLD.read_bytes())
    document["machine"]["devices"] += [
        {"id": "gpu:0", "name": "NVIDIA L4", "uuid": "GPU-0"},
        {"id": "gpu:1", "name": "NVIDIA T4", "uuid": "GPU-1"},
    ]
    at_once = {"beside": ["gpu:1 of all"], "share": 0.9}
    document["results"][0] |= {"device": "gpu:0 of all", "device_name": "L4", "at_once": at_once}
    (read,) = codec.decode(json.dumps(document).encode(), _OLD).results
    assert isinstance(read, Finished)
    assert read.device == Device("L4", index=0, group="all", uuids=("GPU-0",))
    assert read.concurrent is not None
    assert read.concurrent.devices == (Device("NVIDIA T4", index=1, group="all", uuids=("GPU-1",)),)


def test_a_failure_of_schema_2_is_read() -> None:
    document = json.loads(_OLD.read_bytes())
    entry = document["results"][0]
    kept = ("workload", "device", "device_name", "mode", "process", "side", "conditions")
    made = {name: entry[name] for name in kept}
    made.update(status="failed", reason="killed", dataset=None, telemetry=None, verdict=None)
    document["results"] = [made]
    (read,) = codec.decode(json.dumps(document).encode(), _OLD).results
    assert isinstance(read, Failed)
    assert read.reason == "killed"


def _with(value: object, *path: str | int) -> Callable[[Tree], None]:
    def change(made: Tree) -> None:
        tree: Any = made
        for name in path[:-1]:
            tree = tree[name]
        tree[path[-1]] = value

    return change


def _without(*path: str | int) -> Callable[[Tree], None]:
    def change(made: Tree) -> None:
        tree: Any = made
        for name in path[:-1]:
            tree = tree[name]
        del tree[path[-1]]

    return change


_FIRST, _GPU, _FAILED, _TARGET = ("results", 0), ("results", 1), ("results", 4), "time_to_target"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (_with("now", "started"), "started"),
        (_with("a word", "remark"), "remark"),
        (_without("machine", "cpu", "name"), "machine.cpu"),
        (_with("warp 9", "settings", "profile"), "settings.profile"),
        (_with(0, "settings", "repeats"), "settings.repeats"),
        (_without("settings", "against"), "settings"),
        (_with(["tape"], "settings", "inputs"), "settings.inputs"),
        (_with("a word", *_FIRST, "remark"), "results[0]"),
        (_with("gpu:0", *_FIRST, "device"), "results[0].device"),
        (_with("turbo", *_FIRST, "mode"), "results[0].mode"),
        (_with(0, *_FIRST, "repeat"), "results[0].repeat"),
        (_with("C", *_FIRST, "side"), "results[0].side"),
        (_with("lost", *_FIRST, "status"), "results[0].status"),
        (_with("failed", *_FIRST, "status"), "results[0]"),
        (_with(None, *_FIRST, "dataset"), "results[0].dataset"),
        (_with("5f", *_FIRST, "dataset", "sha256"), "results[0].dataset.sha256"),
        (_without(*_FIRST, "epochs"), "results[0]"),
        (_with(0.0, *_FIRST, "epochs", "median"), "results[0].epochs.median"),
        (_with([], *_FIRST, "epochs", "steady"), "results[0].epochs.steady"),
        (_with(True, *_FIRST, "quality", "ok"), "results[0].quality"),
        (_without(*_FIRST, "worker", "pinned", "xla"), "results[0].worker.pinned"),
        (_without(*_FIRST, "telemetry"), "results[0]"),
        (_without(*_FIRST, "conditions", "steal"), "results[0].conditions"),
        (_with(0.1, *_FIRST, "conditions", "steal"), "results[0].conditions.steal"),
        (_with(None, *_FIRST, "conditions", "steal", "why"), "results[0].conditions.steal"),
        (_with("yes", *_FIRST, "conditions", "turbo", "value"), "results[0].conditions.turbo"),
        (_with("FINE", *_FIRST, "verdict", "word"), "results[0].verdict.word"),
        (_with("two\nlines", *_FIRST, "verdict", "evidence"), "results[0].verdict.evidence"),
        (_with({"source": "tape"}, *_FIRST, "input"), "results[0].input"),
        (_without(*_GPU, "telemetry", "energy", "net"), "results[1].telemetry.energy"),
        (_with(["x"], *_GPU, "telemetry", "processes"), "results[1].telemetry.processes"),
        (_with(1.0, *_FAILED, "images_per_second"), "results[4]"),
        (_with("", *_FAILED, "reason"), "results[4].reason"),
        (_with([], _TARGET, 0, "targets"), "time_to_target[0].targets"),
        (_with([2, 0], _TARGET, 0, "targets", 0, "epochs"), "time_to_target[0].targets[0].epochs"),
        (_without(_TARGET, 0, "trials", 0, "quality"), "time_to_target[0].trials[0]"),
    ],
)
def test_what_no_record_has_is_refused_in_a_line_that_names_its_place(
    change: Callable[[Tree], None], place: str
) -> None:
    document = json.loads(codec.encode(_EVERYTHING))
    change(document)
    with pytest.raises(RecordError) as refused:
        codec.decode(json.dumps(document).encode(), Path("run.json"))
    message = str(refused.value)
    assert message.startswith("run.json is not whole: ")
    assert place in message
    assert "run `pytest bench/` to make another" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (codec.encode(_EVERYTHING)[:500], "is damaged: it is no JSON"),
        (b"\xff", "is damaged: it is no JSON"),
        (b'{"schema": 3, "a": ' + b"[" * 10**5, "is damaged: it is no JSON (maximum recursion"),
        (b"run,started\nx,2026\n", "is text and no record of Grindstone's; `pytest bench/` leaves"),
        (b"", "is empty: its run was killed, or the disk was full"),
        (gzip.compress(b"{}", mtime=0), "is no record, but a gzip file: unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer in the file's place"),
        (b"<!doctype html><title>502</title>", "is no record, but a web page"),
        ("{}".encode("utf-16"), "is no record, but a text in UTF-16: save it in UTF-8"),
        (b"[1]", "is no record of Grindstone's"),
        (b'{"machine": "x"}', "is no record of Grindstone's"),
        (b'{"schema": 4}', "is a record of schema 4, and this Grindstone reads 1 to 3"),
        (b'{"schema": 0}', "is a record of schema 0"),
        (b'{"schema": true}', "is no record of Grindstone's"),
        (b'{"schema": 2}', "is not whole: its head is not as a record has it ('grindstone' is"),
        (b'{"schema": 3}', "is not whole: its head is not as a record has it (Object missing"),
        (
            _OLD.read_bytes().replace(b'"device": "cpu"', b'"device": "tpu"', 1),
            "'tpu' is no device",
        ),
    ],
)
def test_what_is_no_record_is_told_in_a_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(RecordError) as refused:
        codec.read(path)
    assert str(refused.value).startswith(f"{path} ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_record_that_an_editor_has_marked_as_utf8_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(codecs.BOM_UTF8 + codec.encode(_EVERYTHING).replace(b"\n", b"\r\n"))
    assert codec.read(path) == _EVERYTHING


def test_a_record_is_read_from_a_pipe_and_one_without_a_writer_is_empty(tmp_path: Path) -> None:
    made, (out, into) = record([result()]), os.pipe()
    os.write(into, codec.encode(made))
    os.close(into)
    assert codec.read(Path(f"/dev/fd/{out}")) == made
    os.close(out)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordError, match="pipe is empty"):
        codec.read(tmp_path / "pipe")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"run\.json cannot be read: No such file"):
        codec.read(tmp_path / "run.json")
