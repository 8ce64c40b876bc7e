"""The schema takes every record that this version writes, and none that a reader trips on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.judge.verdict import judge
from bench.observe.host.conditions import Conditions
from bench.record.store import Record
from tests.record_schema import problems, validate
from tests.unit.entries import CPU, H100, failed, finished, to_target
from tests.unit.fake_nvml import KINDS
from tests.unit.records import document, entries
from tests.unit.test_telemetry import Bench

Tree = dict[str, Any]


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_every_kind_of_gpu_is_taken(kind: str) -> None:
    validate(document([finished("mlp", H100, telemetry=Bench(kind).result())]))


def test_a_record_of_this_machine_is_taken() -> None:
    nothing_seen = Conditions().result([])
    entry = {**finished("mlp"), "conditions": nothing_seen}
    validate(document([{**entry, "verdict": judge(entry)}]))


@pytest.mark.parametrize("device", ["gpus", "gpu:0 of all", "gpu:15"])
def test_a_record_of_several_gpus_is_taken(device: str) -> None:
    validate(document([{**finished("mlp", H100), "device": device}]))


def test_a_record_of_what_failed_and_what_missed_its_floor_is_taken() -> None:
    results = [
        failed("mlp", CPU, "killed", read=False),
        failed("post", H100, "killed"),
        finished("mlp", quality=0.1),
        finished("post", quality=136.0),
    ]
    validate(document(results))


def test_a_diverged_training_is_taken_as_it_is_written(tmp_path: Path) -> None:
    made = document([])
    record = Record(tmp_path / "run.json", {k: v for k, v in made.items() if k != "results"})
    record.head.pop("schema")
    record.add(finished("mlp", quality=math.nan))
    validate(json.loads(record.path.read_text(encoding="utf-8")))


def _without(*path: str | int) -> Callable[[Tree], None]:
    def change(made: Tree) -> None:
        tree: Any = made
        for name in path[:-1]:
            tree = tree[name]
        del tree[path[-1]]

    return change


def _with(value: object, *path: str | int) -> Callable[[Tree], None]:
    def change(made: Tree) -> None:
        tree: Any = made
        for name in path[:-1]:
            tree = tree[name]
        tree[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _with(1, "schema"),
        _with("now", "started"),
        _with("a word", "remark"),
        _without("machine", "cpu", "name"),
        _with("warp 9", "settings", "profile"),
        _with(0, "settings", "processes"),
        _without("settings", "against"),
        _with("a word", "results", 0, "remark"),
        _with("cpu2", "results", 0, "device"),
        _with("turbo", "results", 0, "mode"),
        _with(0, "results", 0, "process"),
        _without("results", 0, "process"),
        _with("C", "results", 0, "side"),
        _with("failed", "results", 0, "status"),
        _with("a reason", "results", 0, "reason"),
        _with(None, "results", 0, "dataset"),
        _with("5f", "results", 0, "dataset", "sha256"),
        _without("results", 0, "epochs"),
        _with(0.0, "results", 0, "epochs", "median"),
        _with([], "results", 0, "epochs", "steady"),
        _with(False, "results", 0, "quality", "ok"),
        _without("results", 0, "worker", "pinned", "xla"),
        _without("results", 0, "telemetry"),
        _with({"steel": {"value": 1.0, "why": None}}, "results", 0, "conditions"),
        _with({"steal": {"value": 0.1, "why": "not here"}}, "results", 0, "conditions"),
        _with({"steal": {"value": None, "why": None}}, "results", 0, "conditions"),
        _with({"steal": 0.1}, "results", 0, "conditions"),
        _with(None, "results", 0, "verdict"),
        _with("FINE", "results", 0, "verdict", "word"),
        _with("two\nlines", "results", 0, "verdict", "evidence"),
        _with({"cause": "magic", "words": "x"}, "results", 0, "held_back"),
        _with({"value": 1.0}, "results", 0, "rate"),
        _without("results", 0, "held_back"),
        _without("results", 0, "conditions", "steal"),
        _with({"value": "a lot", "why": None}, "results", 0, "conditions", "steal"),
        _with({"value": "yes", "why": None}, "results", 0, "conditions", "turbo"),
        _with({"from": "tape"}, "results", 0, "input"),
        _without("results", 1, "telemetry", "busy"),
        _without("results", 1, "telemetry", "energy", "net"),
        _with({"value": "cold", "why": None}, "results", 1, "telemetry", "temperature"),
        _with({"value": [{"pid": 1}], "why": None}, "results", 1, "telemetry", "processes"),
        _with(["tape"], "settings", "inputs"),
        _without("to_target"),
        _without("to_target", 0, "targets"),
        _with([], "to_target", 0, "targets"),
        _with([2, None, 0], "to_target", 0, "targets", 0, "epochs"),
        _with([620.0], "to_target", 0, "targets", 0, "joules"),
        _without("to_target", 0, "trials", 0, "quality"),
        _with("failed", "to_target", 0, "status"),
    ],
)
def test_what_no_record_has_is_refused(change: Callable[[Tree], None]) -> None:
    results = [*entries("mlp", [1.0]), *entries("mlp", [1.0], H100)]
    made = document(results, to_target=[to_target().entry()])
    change(made)
    assert problems(made)


def test_an_entry_of_a_failure_has_no_figures() -> None:
    made = document([failed("mlp", CPU, "killed")])
    made["results"][0]["images_per_second"] = 48_000.0
    assert problems(made)
