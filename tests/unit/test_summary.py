"""The end of a run as a person reads it: each case's whole text is in tests/unit/summaries/."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.__main__ import main
from bench.record.measured import known
from bench.record.model import Record
from bench.record.telemetry import Lost, RemappedRows
from bench.record.variant import Variant
from bench.record.verdict import Verdict
from bench.report import summary
from bench.report.format import Screen
from bench.report.summary import brief
from tests.support.records import (
    CPU,
    GT1030,
    H100,
    dataset,
    failed,
    record,
    result,
    settings,
    telemetry,
    time_to_target,
    write,
)
from tests.unit.summaries import cases


def _shown(made: Record, width: int = 100, encoding: str = "utf-8", **options: bool) -> str:
    screen = Screen(width, encoding=encoding, colours=options.pop("colours", False))
    path = Path("results/run.json")
    return summary.text(made, path, screen, verbose=options.pop("verbose", False))


@pytest.mark.parametrize("case", cases.CASES)
def test_a_record_is_summarised(case: str) -> None:
    expected = Path(__file__).parent / "summaries" / f"{case}.txt"
    made, options = cases.CASES[case]
    assert _shown(made, **options) == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", cases.CASES)
@pytest.mark.parametrize("width", [80, 90, 100, 120])
def test_every_width_has_every_row_and_nothing_cut_off(case: str, width: int) -> None:
    made, _ = cases.CASES[case]
    lines = _shown(made, width).splitlines()
    assert max(len(line) for line in lines if not line.startswith("Next: ")) <= width
    assert "…" not in "".join(lines)
    assert {row.workload for row in (*made.results, *made.time_to_target)} <= {
        line.split()[0] for line in lines if line.startswith(" ") and line.strip()
    }


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252", "cp437"])
def test_a_stream_of_any_encoding_takes_every_line(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    note = dataset("mlp", "real", "MNIST from /home/jürgen/データ")
    made = record([*cases.gpu_and_tuned().results, result("mlp", dataset=note)])
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    told = summary.text(made, Path("r.json"), Screen.of(stream), verbose=True)
    assert told.encode(encoding).decode(encoding) == told
    assert max(map(len, told.splitlines())) <= 100
    assert ("データ" in told, "± " in told) == (encoding == "utf-8", encoding == "utf-8")


@pytest.mark.parametrize(
    ("columns", "width"), [("120", 120), ("60", 60), ("", 100), ("0", 80), ("wide", 100)]
)
def test_a_pipe_is_as_wide_as_somebody_says(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert Screen.of(io.StringIO()).width == width


@pytest.mark.parametrize(
    ("terminal", "wanted", "environment", "coloured"),
    [
        (True, True, {}, True),
        (True, False, {}, False),
        (True, True, {"TERM": "dumb"}, False),
        (True, True, {"NO_COLOR": "1"}, False),
        (False, True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_a_terminal_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    wanted: bool,
    environment: dict[str, str],
    coloured: bool,
) -> None:
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    screen = Screen.of(stream, colours=wanted)
    told = summary.text(cases.wrong(), None, screen, verbose=False)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", told)) == coloured  # bold is no colour


def test_a_record_that_could_not_be_written_is_not_pointed_at() -> None:
    told = summary.text(cases.cpu_only(), None, Screen(), verbose=False)
    assert "Record: none, it could not be written" in told


@pytest.mark.parametrize(
    ("made", "first_line"),
    [
        (
            record([result("mlp", seconds=(3.0, 1.0)), result("mlp", GT1030, seconds=(3.0, 2.0))]),
            "Grindstone  gpu:1 (GeForce GT 1030): 0.50 times as fast as the CPU in mlp",
        ),
        (
            record(
                [
                    result("mlp", seconds=(3.0, 2.0), mode="tuned"),
                    result("mlp", H100, seconds=(3.0, 0.5), mode="tuned"),
                ]
            ),
            "Grindstone  gpu:0 (H100 80GB HBM3): 4.0 times as fast as the CPU in mlp",
        ),
        (
            record([failed("mlp", CPU, "mlp on cpu: killed")], machine=cases.NO_GPU),
            "Grindstone  CPU only (AMD EPYC 9454P, 2 threads): no NVIDIA driver installed",
        ),
        (
            record([result()], machine=cases.NO_GPU, settings=settings(devices=("cpu",))),
            "Grindstone  CPU (AMD EPYC 9454P, 2 threads)",
        ),
    ],
)
def test_the_first_line_is_what_this_machine_has(made: Record, first_line: str) -> None:
    assert _shown(made).splitlines()[0] == first_line


def test_of_memory_that_fails_it_is_told_what_to_do() -> None:
    ecc = {"uncorrected": 3, "remapped_rows": RemappedRows(0, 1, True, False)}
    told = " ".join(_shown(record([result("mlp", H100, telemetry=telemetry(ecc=ecc))])).split())
    assert "gpu:0 (H100 80GB HBM3): 3 uncorrectable memory errors. Fix: " in told
    assert "ROW_REMAPPER" in told


def test_one_neighbour_of_all_rows_is_one_warning() -> None:
    busy = Verdict("CONTENDED", "other programs used 93 % of its processors", "ps shows them")
    made = record([result(name, verdict=busy) for name in ("mlp", "convnet")])
    told = "mlp, convnet: CONTENDED: other programs used 93 % of its processors (in mlp). Fix: ps"
    assert told in _shown(made)
    assert "convnet: CONTENDED, other programs used 93 %" in _shown(made, verbose=True)


def test_why_an_energy_is_missing_is_a_detail() -> None:
    told = "convnet (gpu:0, to target): no energy: no GPU was watched"
    assert told in _shown(cases.to_target(), verbose=True)
    assert told not in _shown(cases.to_target())


def test_columns_that_nothing_stands_in_are_left_out_and_v_says_why_of_energies() -> None:
    missing = telemetry()  # its energy was not seen
    made = record([result("mlp", H100, telemetry=missing), result("post", H100, telemetry=missing)])
    text = _shown(made)
    assert "Images/s" in text
    assert "CPU ÷ GPU" not in text
    assert "Energy" not in text
    assert "mlp, post: no energy: not supported by this GPU" in _shown(made, verbose=True)
    unseen = record((), [time_to_target(device=H100)])
    assert "Energy" not in _shown(unseen)
    assert "Energy" in _shown(record((), [time_to_target(device=H100, joules=known(620.0))]))
    (headings,) = (line.split() for line in _shown(_out_of_memory()).splitlines() if "Verd" in line)
    assert headings == ["Workload", "Verdict"]


def test_of_what_has_trained_nothing_no_times_are_to_be_compared() -> None:
    assert "Next:" not in _shown(_out_of_memory())


def _out_of_memory() -> Record:
    reason = "mlp on gpu:0: worker ran out of memory: OOM"
    return record([failed("mlp", H100, reason)], settings=settings(profile="smoke"))


def test_what_ran_out_of_memory_is_told_what_to_do() -> None:
    shown = " ".join(_shown(_out_of_memory()).split())
    assert "OOM. Fix: nvidia-smi -i 0 shows who else holds memory there; without them, a" in shown
    reason = "mlp on cpu, batch 60000: worker ran out of memory: OOM"
    large = failed("mlp", CPU, reason, variant=Variant(batch=60_000))
    assert "OOM. Fix: a smaller --batch than 60,000" in " ".join(_shown(record([large])).split())
    other = failed("mlp", CPU, "mlp on cpu: worker killed by SIGKILL")
    assert "Fix" not in _shown(record([other]))


@pytest.mark.parametrize("how", ["interrupted", "interrupted: ended by SIGTERM"])
def test_what_somebody_interrupts_is_no_failure(how: str) -> None:
    stopped = failed("post", H100, f"post on gpu:0: {how}")
    text = _shown(record([result("mlp", H100), stopped]))
    assert text.splitlines()[1] == "INTERRUPTED in post   PASSED 1 of 1"
    assert "FAILED" not in text
    assert "INTERRUPTED" in text.splitlines()[6]
    assert _shown(record([stopped])).splitlines()[1] == "INTERRUPTED in post"
    timed_out = failed("post", H100, "post on gpu:0: interrupted: Failed: Timeout")
    assert "FAILED 1 of 1: post" in _shown(record([timed_out]))


def test_a_gpu_lost_before_any_epoch_ended_is_told_too() -> None:
    lost = telemetry(lost=Lost(1, None, "GPU is lost"))
    made = record([failed("mlp", H100, "mlp on gpu:0: worker ended", telemetry=lost)])
    assert "in epoch 1 of mlp: GPU is lost" in _shown(made)


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        ({"seconds": (90.0, 80.0), "paused": (3.9,)}, False),
        ({"seconds": (90.0, 80.0), "paused": (4.1,)}, True),
        ({"seconds": (3.0, 1.0), "paused": (0.19,)}, False),
        ({"seconds": (3.0, 1.0), "paused": (0.21,)}, True),
    ],
)
def test_a_stall_is_worth_a_line_from_a_fifth_of_a_second_and_a_twentieth_of_the_epoch(
    epochs: dict[str, Any], told: bool
) -> None:
    shown = _shown(record([result("post", **epochs)]), verbose=True)
    assert ("Excluded from times: model.fit stalls" in shown) == told


def test_show_prints_the_same_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "run.json", cases.gpu_and_tuned())
    assert main(["show", str(path)]) == 0
    assert capsys.readouterr().out == summary.text(
        cases.gpu_and_tuned(), path, Screen(), verbose=False
    )
    assert main(["show", "-v", "docs/record.json"]) == 0
    assert "Trained with TensorFlow" in capsys.readouterr().out
    assert main(["show", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err.startswith("bench: ")


def test_a_bottleneck_is_not_told_of_a_time_that_something_speaks_against() -> None:
    contended = replace(cases.NOISY, word="CONTENDED")
    made = [
        result("mlp", bottleneck=cases.COMPUTE),
        result("post", bottleneck=cases.COMPUTE, verdict=contended),
        result("convnet", bottleneck=cases.UNKNOWN, verdict=contended),
    ]
    text = _shown(record(made), width=400)
    assert "mlp is compute-bound" in text
    assert "post" not in text.partition("mlp is compute-bound")[2]
    assert "stock,tuned" not in text


def test_the_next_step_trains_on_the_same_data() -> None:
    again = ("--data-dir=/my data", "--profile=smoke", "--seed=7")
    chosen = settings(profile="smoke", rerun_options=again, devices=("cpu",))
    text = _shown(record([result("mlp")], settings=chosen), width=400)
    assert "Next: pytest bench/ -k mlp --device cpu --like results/run.json --profile" in text
    chosen = settings(profile="quick", rerun_options=again)
    text = _shown(record([result("mlp", bottleneck=cases.UNKNOWN)], settings=chosen), width=400)
    both = "pytest bench/ -k mlp --like results/run.json --mode stock,tuned"
    assert both in text
    whole = "pytest bench/ -k mlp '--data-dir=/my data' --profile=smoke --seed=7 --mode stock,tuned"
    limited = replace(cases.UNKNOWN, fix=f"{whole} shows what tuning gains")
    made = record([result("mlp", bottleneck=limited)], settings=chosen)
    assert f"{both} shows what" in " ".join(_shown(made, width=400, verbose=True).split())


def test_a_command_is_as_short_as_it_can_be() -> None:
    again = ("--profile=smoke", "--data-dir=/my data", "--cache-dir=/tmp/cache")
    made = record(settings=settings(rerun_options=again))
    fix = "mlp: NOISY. Fix: pytest bench/ -k mlp '--data-dir=/my data' --cache-dir=/tmp/cache"
    path = Path("my results/run.json")
    assert brief(f"{fix} --profile full", made, path) == (
        "mlp: NOISY. Fix: pytest bench/ -k mlp --like 'my results/run.json' --profile full"
    )
    assert brief(fix, made, Path("/a/folder/that/is/deeper/than/what/it/stands/for.json")) == fix
    assert brief(fix, made, None) == fix
    apart = record(settings=settings(rerun_options=("--profile", "full", "--data-dir", "/data")))
    assert brief("a full batch --profile full --data-dir /data", apart, path).startswith("a full b")


def test_the_next_step_trains_what_was_trained_and_no_more() -> None:
    smoke = settings(profile="smoke")
    names = ("mlp", "cnn_simple", "cnn_large", "convnet", "post")
    every, some = (record([*map(result, chosen)], settings=smoke) for chosen in (names, names[:2]))
    assert "Next: pytest bench/ --profile quick" in _shown(every)
    assert "Next: pytest bench/ -k 'mlp or cnn_simple' --profile quick" in _shown(some)
