from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.observe.devices import Device
from bench.record.bridge import telemetry as old_telemetry
from bench.record.store import Record
from bench.report import summary, table, words
from tests.unit.entries import CPU, GT1030, H100, failed, finished, head
from tests.unit.test_telemetry import Bench

WORKLOADS = ("mlp", "cnn_simple", "cnn_large", "convnet", "post")
LONG = Device("gpu:15", "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition " * 3, "GPU-1")

_CPU_ALONE = [finished(name) for name in WORKLOADS]
_TWO_GPUS = [
    finished(name, device, seconds=(90.0, *(1000 / speed + i for i in range(3))))
    for name in WORKLOADS
    for device, speed in ((CPU, 1), (H100, 50), (GT1030, 2))
]


def telemetry_of(kind: str) -> dict[str, Any]:
    """What is read of such a GPU while it trains."""
    return old_telemetry(Bench(kind).result()) or {}


_WATCHED = [
    finished(name, device, seconds=(90.0, *(1000 / speed + i for i in range(3))), telemetry=seen)
    for name in WORKLOADS
    for device, speed, seen in (
        (CPU, 1, None),
        (H100, 50, telemetry_of("hopper")),
        (GT1030, 2, telemetry_of("pascal")),
    )
]
_FAILED = [
    finished("mlp"),
    failed("mlp", H100, "mlp on gpu:0: worker killed by SIGKILL, during epoch 2\nits last lines:"),
    failed("convnet", CPU, "x" * 300, read=False),
]
_MISSED = [finished("mlp", quality=0.1), finished("post", quality=136.0)]
_LONG = [
    finished("cnn_simple", LONG, seconds=(12345.6, 123456.7, 9999999.0)),
    finished("post", LONG, seconds=(12345.6, 123456.7, 9999999.0), quality=123456.7),
    finished("mlp", note="MNIST from /" + "a-very-long-folder-name" * 12),
]


def _rendered(entries: Sequence[dict[str, Any]], width: int = 100, **options: Any) -> list[str]:
    shown = table.render(entries, [], width, **{"no_gpu": False, "colours": False, **options})
    return shown.splitlines()


def _row(lines: Sequence[str], *cells: str) -> str:
    """The one line that begins with these cells."""
    pattern = re.compile(r"\s+".join(map(re.escape, cells)))
    (row,) = [line for line in lines if pattern.match(line.strip())]
    return row


_ALL = [_CPU_ALONE, _TWO_GPUS, _WATCHED, _FAILED, _MISSED, _LONG, []]


@pytest.mark.parametrize("entries", _ALL)
@pytest.mark.parametrize("width", [80, 90, 100, 120])
def test_the_table_fits_its_width_with_nothing_cut_off(
    entries: list[dict[str, Any]], width: int
) -> None:
    lines = _rendered(entries, width, no_gpu=True)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)


def test_a_tuned_row_stands_beside_the_stock_one_and_has_a_ratio_of_its_own() -> None:
    lines = _rendered(
        [
            finished("mlp", CPU, seconds=(3.0, 2.0, 2.0)),
            finished("mlp", CPU, seconds=(3.0, 1.0, 1.0), mode="tuned"),
            finished("mlp", H100, seconds=(3.0, 0.5, 0.5)),
            finished("mlp", H100, seconds=(3.0, 0.1, 0.1), mode="tuned"),
        ]
    )
    assert [line for line in lines if "gpu:0   " in line and " 4.0× " in line]
    assert " 10.0× " in _row(lines, "mlp", "synthetic", "gpu:0 tuned")
    assert "×" not in _row(lines, "mlp", "synthetic", "cpu tuned")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("width", [80, 100, 120])
def test_however_narrow_a_row_has_its_time_its_energy_and_its_verdict(width: int) -> None:
    lines = _rendered(_WATCHED, width)
    rows = [line for line in lines if re.match(r" *mlp .*gpu:0", line)]
    assert len(rows) == 1
    for cell in ("21 s ± 5 %", "47.7×", "620 J", "98.12 %", "OK"):
        assert cell in rows[0]


def test_with_the_cpu_alone_there_are_no_empty_columns() -> None:
    text = " ".join(_rendered(_CPU_ALONE))
    assert "GPU" not in text
    assert "Energy" not in text


def test_energy_that_a_gpu_does_not_tell_is_not_available() -> None:
    entry = finished("mlp", H100, telemetry=telemetry_of("vgpu"))
    assert re.search(r" n/a ", _row(_rendered([entry]), "mlp"))


def test_package_energy_is_the_cpus_energy_where_it_can_be_read() -> None:
    conditions = {"energy": {"per_epoch": {"value": 1234.0, "why": None}}}
    assert "1.23 kJ" in _row(_rendered([finished("mlp", conditions=conditions)]), "mlp")


def test_a_flagged_row_has_its_word() -> None:
    noisy = finished("mlp", seconds=(9.0, 2.0, 1.5, 2.5))
    assert _row(_rendered([noisy]), "mlp").endswith("NOISY")


def test_a_gpu_that_was_lost_is_told_from_a_worker_that_failed() -> None:
    lost = {"epoch": 4, "seconds_into_it": 0.8, "why": "GPU is lost"}
    entry = failed("mlp", H100, "mlp on gpu:0: worker ended", telemetry={"lost": lost})
    assert _row(_rendered([entry]), "mlp", "synthetic", "gpu:0", "GPU lost: see below")


def test_a_row_says_what_was_trained_on_what_how_fast_and_how_well() -> None:
    lines = _rendered([finished("mlp", seconds=(2.5, 1.25, 1.25, 1.5))])
    row = _row(lines, "mlp", "synthetic", "cpu")
    assert re.split(r"\s{2,}", row.strip()) == [
        "mlp",
        "synthetic",
        "cpu",
        "2.5 s",
        "1.25 s ± 0 %",
        "48,000",
        "98.12 %",
        "≥ 97.50 %",
        "OK",
    ]


def test_the_spread_is_a_share_of_the_median() -> None:
    assert "2 s ± 25 %" in _row(_rendered([finished(seconds=(9.0, 2.0, 1.5, 2.5))]), "mlp")


def test_real_data_are_told_from_synthetic_ones() -> None:
    lines = _rendered([finished("mlp", source="cache"), finished("convnet")])
    assert _row(lines, "mlp", "real", "cpu")
    assert _row(lines, "convnet", "synthetic", "cpu")


def test_a_gpus_row_has_the_ratio_to_the_cpu_and_the_cpus_has_none() -> None:
    lines = _rendered(_TWO_GPUS)
    assert "47.7×" in _row(lines, "mlp", "synthetic", "gpu:0")
    assert "2.0×" in _row(lines, "mlp", "synthetic", "gpu:1")
    assert "×" not in _row(lines, "mlp", "synthetic", "cpu")


def test_a_gpu_without_a_cpu_to_divide_by_has_no_ratio() -> None:
    alone = [finished("mlp", H100)]
    beside_a_failure = [failed("mlp", CPU, "killed"), finished("mlp", H100)]
    beside_another_workload = [finished("convnet", CPU), finished("mlp", H100)]
    for entries in (alone, beside_a_failure, beside_another_workload):
        assert table.speed_up(entries[-1], entries) is None
        assert "×" not in "".join(_rendered(entries))


def test_a_failed_training_has_a_row_without_figures() -> None:
    lines = _rendered(_FAILED)
    row = _row(lines, "mlp", "synthetic", "gpu:0", "failed: see below")
    assert not re.search(r"\d (s|ms|%)", row)
    assert _row(lines, "convnet", "cpu", "failed: see below")


def test_a_missed_floor_stands_beside_what_was_reached() -> None:
    lines = _rendered(_MISSED)
    assert "10.00 %  misses 97.50 %" in _row(lines, "mlp")
    assert "136.0 s²  misses 90.0" in _row(lines, "post")


def test_an_mse_stands_beside_the_mean_predictors_and_the_best_possible() -> None:
    text = " ".join(" ".join(_rendered([finished("post")])).split())
    assert "52.3 s² ≤ 90.0" in text
    note = "post: mean predictor 137.2 s², best possible 10.9 s²"
    mnist = finished("mlp")
    mnist["dataset"]["baselines"] = {"most_frequent_class_accuracy": 0.11}
    assert words.baselines([finished("post"), mnist, finished("post", H100)]) == [note]


def test_a_diverged_training_is_shown_and_does_not_break_the_table() -> None:
    row = _row(_rendered([finished("mlp", quality=float("nan"))]), "mlp")
    assert "misses 97.50 %" in row


def test_where_there_is_no_gpu_a_row_says_so() -> None:
    assert _row(_rendered(_CPU_ALONE, no_gpu=True), "gpu", "none here: see below")
    assert not [line for line in _rendered(_CPU_ALONE) if "none here" in line]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.000123, "0.123 ms"),
        (0.0832, "83.2 ms"),
        (0.5, "500 ms"),
        (1.3149, "1.31 s"),
        (127.4, "127 s"),
        (12345.6, "12,346 s"),
    ],
)
def test_a_time_has_three_digits_and_its_unit(seconds: float, shown: str) -> None:
    assert table.seconds(seconds) == shown


@pytest.mark.parametrize("seconds", [0.9996, 0.99999, 999.7])
def test_a_time_beside_a_units_border_is_no_power_of_ten(seconds: float) -> None:
    assert "e+" not in table.seconds(seconds)


def test_colours_are_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in "".join(_rendered(_FAILED))


# ---- table and notes together, as they reach a stream


def _summary(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    record: Record,
) -> str:
    """What a stream of that encoding receives of the record, through pytest's own writer."""
    received = io.BytesIO()
    stream = io.TextIOWrapper(received, encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    reporter = pytest.TerminalReporter(pytestconfig, stream)
    monkeypatch.setattr(pytestconfig, "get_terminal_writer", lambda: reporter._tw)
    reporter.write(summary.text(record, reporter))
    return received.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252", "cp437"])
def test_a_stream_of_any_encoding_gets_every_line(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    encoding: str,
) -> None:
    notes = finished("convnet", note="MNIST from /home/jürgen/データ — «new»")
    record = Record(tmp_path / "run.json", head(), [*_TWO_GPUS, *_MISSED, *_FAILED, notes])
    record.write()
    text = _summary(pytestconfig, monkeypatch, encoding, record)
    lines = text.splitlines()
    assert _row(lines, "mlp", "synthetic", "gpu:1")
    assert max(map(len, lines)) <= 100
    assert "\\n" not in text
    if encoding == "utf-8":
        assert "± " in text
        assert "データ" in text


def test_a_record_that_could_not_be_written_is_not_pointed_at(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = Record(tmp_path / "run.json", head(), [*_CPU_ALONE])
    assert "record: none" in _summary(pytestconfig, monkeypatch, "utf-8", record)
    record.write()
    told = "".join(_summary(pytestconfig, monkeypatch, "utf-8", record).split())
    assert f"record:{record.path}" in told


def test_why_there_is_no_gpu_is_told_unless_nobody_asked(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = Record(tmp_path / "run.json", head(), [*_CPU_ALONE])
    shown = _summary(pytestconfig, monkeypatch, "utf-8", record)
    assert "gpu: no NVIDIA driver is installed" in shown
    record.head["settings"]["devices"] = ["cpu"]
    assert "gpu:" not in _summary(pytestconfig, monkeypatch, "utf-8", record)
