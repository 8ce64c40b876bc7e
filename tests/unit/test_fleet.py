"""Many hosts in one table: who is the odd one out, and why."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.errors import RecordError
from bench.record.head import WITHHELD
from bench.record.model import Result
from bench.record.verdict import Verdict
from bench.report.fleet import reading, sheet
from bench.report.fleet.command import text
from bench.report.fleet.reading import Fleet, Member
from bench.report.format import Screen
from tests.support import records
from tests.support.bench_verbs import CONTENDED, command
from tests.support.records import CPU, H100, WORKER, failed, machine, record, result, telemetry

L4 = replace(H100, name="NVIDIA L4")
Found = sheet.Sheet


def timed(seconds: float, workload: str = "mlp", device: Any = H100, **members: Any) -> Result:
    return result(workload, device, seconds=(2 * seconds, seconds, seconds), **members)


def member(name: str, *results: Result, **head: Any) -> Member:
    return Member(name, Path(f"{name}.json"), record(results, **head))


def found(*members: Member, **missing: str) -> Found:
    return sheet.of(Fleet(members, missing))


def cells(made: Found) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in made.rows}


def test_a_gpu_that_is_slower_than_its_twins_is_marked_with_its_verdict_and_its_clock() -> None:
    hot = Verdict("THROTTLED", "heat held the clock down for 3 s", "clean the fan")
    fast = telemetry(clocks={"sm": 1980.0})
    made = found(
        *(member(f"gpu{n}", timed(0.1, telemetry=fast)) for n in (1, 2, 3)),
        member("gpu4", timed(0.115, telemetry=telemetry(clocks={"sm": 1410.0}), verdict=hot)),
    )
    assert made.headline == "Fleet: 4 hosts, 1 unlike its twins"
    assert cells(made)["gpu1"] == ("gpu:0 H100 80GB HBM3", "100 ms OK")
    assert cells(made)["gpu4"] == ("gpu:0 H100 80GB HBM3", "115 ms THROTTLED +15 %")
    assert made.notes == (
        (
            "gpu4 gpu:0: slower than its 3 twins: mlp 15 %; THROTTLED: heat held the clock down "
            "for 3 s; SM clock 1410 MHz, theirs 1980 MHz"
        ),
    )


@pytest.mark.parametrize(("seconds", "marked"), [(0.1079, False), (0.1081, True)])
def test_it_takes_8_percent(seconds: float, marked: bool) -> None:
    made = found(*(member(f"gpu{n}", timed(0.1)) for n in (1, 2)), member("gpu3", timed(seconds)))
    assert ("+8 %" in cells(made)["gpu3"][1]) == marked
    assert bool(made.notes) == marked


def test_of_two_the_slower_one_is_marked_and_where_to_look_is_said() -> None:
    made = found(member("gpu1", timed(0.1)), member("gpu2", timed(0.12)))
    assert made.notes == (
        (
            "gpu2 gpu:0: slower than its twin: mlp 20 %; nothing that is recorded tells why: "
            "python -m bench show gpu2.json -v"
        ),
    )


def test_only_the_same_workload_on_the_same_model_in_the_same_way_are_twins() -> None:
    made = found(
        member("gpu1", timed(0.1), timed(0.03, mode="tuned"), timed(1.0, "convnet")),
        member("gpu2", timed(0.4, device=L4), timed(9.0, device=CPU)),
    )
    assert made.headline == "Fleet: 2 hosts"
    assert made.notes == ()
    assert made.headings == ("Host", "Device", "Mode", "mlp", "convnet")


def test_two_gpus_of_one_host_are_twins() -> None:
    second = replace(H100, index=1)
    made = found(member("gpu1", timed(0.1), timed(0.2, device=second)))
    assert made.notes[0].startswith("gpu1 gpu:1: slower than its twin: mlp 100 %; ")


def test_another_driver_and_another_variable_are_named_where_most_have_the_same() -> None:
    pinned = replace(WORKER.pinned, environment={"TF_XLA_FLAGS": "--tf_xla_auto_jit=2"})
    other = replace(WORKER, pinned=pinned, tensorflow="2.20.0", keras="3.12.0")
    made = found(
        *(member(f"gpu{n}", timed(0.1), timed(1.0, "convnet")) for n in (1, 2)),
        member(
            "gpu3",
            timed(0.1, worker=other),
            timed(1.0, "convnet", worker=other),
            machine=machine(driver="570.86.15"),
        ),
    )
    assert made.notes == (
        (
            "gpu3 gpu:0: driver 570.86.15, theirs 580.95.05; environment "
            "TF_XLA_FLAGS=--tf_xla_auto_jit=2, theirs none; TensorFlow 2.20.0, theirs 2.21.0; "
            "Keras 3.12.0, theirs 3.15.1"
        ),
    )


def test_where_none_are_most_it_is_said_who_has_what() -> None:
    made = found(
        member("gpu1", timed(0.1)), member("gpu2", timed(0.1), machine=machine(driver="570.86.15"))
    )
    assert made.notes == ("H100 80GB HBM3: driver 580.95.05 on gpu1; 570.86.15 on gpu2",)


def test_a_processor_with_fewer_threads_has_other_twins() -> None:
    four = replace(WORKER, pinned=replace(WORKER.pinned, threads=4))
    made = found(
        member("box1", timed(1.0, device=CPU, worker=four)), member("box2", timed(2.0, device=CPU))
    )
    assert made.notes == ()


def test_what_failed_and_what_did_not_learn_is_told_and_is_nobody_s_twin() -> None:
    made = found(
        member("gpu1", failed("mlp", H100, "the GPU ran out of memory\nlast lines")),
        member("gpu2", timed(0.5, value=0.1)),
        member("gpu3", timed(0.1)),
        member("gpu4", failed("mlp", H100, "mlp on gpu:0: interrupted: ended by SIGTERM")),
    )
    assert cells(made)["gpu1"][1] == "FAILED"
    assert cells(made)["gpu4"][1] == "INTERRUPTED"
    assert cells(made)["gpu2"][1] == "500 ms BELOW-FLOOR"
    assert made.notes == (
        "gpu1 gpu:0: mlp FAILED: the GPU ran out of memory",
        "gpu2 gpu:0: mlp BELOW-FLOOR: 10.00 % is below its floor of 97.50 %",
        "gpu4 gpu:0: mlp INTERRUPTED: ended by SIGTERM",
    )


def test_a_host_without_a_record_has_a_row_and_a_reason() -> None:
    made = found(member("gpu1", timed(0.1)), gpu2="it could not be reached")
    assert made.headline == "Fleet: 2 hosts, 1 without a record"
    assert cells(made)["gpu2"] == ("no record", "")
    assert made.notes == ("gpu2: no record: it could not be reached",)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_fits_a_terminal_and_keeps_what_is_odd(width: int) -> None:
    names = ("mlp", "convnet")
    made = found(
        member("gpu1", *(timed(0.1, each) for each in names)),
        member("gpu2", *(timed(0.2, each) for each in names)),
    )
    drawn = text(made, Screen(width))
    table = [line for line in drawn.splitlines() if "+100 %" in line or "gpu2" in line]
    assert table
    assert max(len(line) for line in drawn.splitlines()) <= width
    assert "+100 %" in drawn


def test_the_five_networks_fit_80_columns_however_ill_they_went() -> None:
    names = ("mlp", "cnn_simple", "cnn_large", "convnet", "post")
    made = found(
        *(
            member(host, *(timed(seconds, each, verdict=CONTENDED) for each in names))
            for host, seconds in (("gpu-box-1", 0.1), ("gpu-box-2", 0.2))
        )
    )
    drawn = text(made, Screen(80))
    assert max(len(line) for line in drawn.splitlines()) <= 80
    table = drawn.partition("\n\n")[2].partition("\n\n")[0] or drawn
    assert "…" not in table
    assert (table.count("CONTENDED"), table.count("+100 %")) == (10, 5)


def test_more_columns_than_have_room_are_several_tables() -> None:
    names = [f"convnet_of_mine_{number}" for number in range(9)]
    trained = timed(0.1, verdict=CONTENDED)
    made = found(member("gpu-box-1", *(replace(trained, workload=each) for each in names)))
    drawn = text(made, Screen(80))
    assert max(map(len, drawn.splitlines())) <= 80
    assert "…" not in drawn
    assert [drawn.count(each) for each in names] == [1] * 9
    assert drawn.count(" Host ") == drawn.count("gpu-box-1") > 1


def test_a_folder_has_a_record_a_host_and_says_why_others_have_none(tmp_path: Path) -> None:
    for name in ("gpu1", "gpu2"):
        records.write(tmp_path, f"{name}.json", record([timed(0.1)]))
    (tmp_path / "gpu3.json").write_text('{"schema": 3', encoding="utf-8")
    (tmp_path / "gpu4.txt").write_text("it could\x1b[2J not be\nreached\n", encoding="utf-8")
    (tmp_path / "gpu1.txt").write_text("left by an earlier one", encoding="utf-8")
    read = reading.read([str(tmp_path)], tmp_path)
    assert [each.name for each in read.members] == ["gpu1", "gpu2"]
    assert read.missing["gpu3"].startswith(f"{tmp_path}/gpu3.json is damaged")
    assert read.missing["gpu4"] == "it could\\x1b[2J not be reached"
    again = reading.read([str(tmp_path), str(tmp_path / "gpu1.json")], tmp_path)
    assert again.members == read.members
    done = command("fleet", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Fleet: 4 hosts, 2 without a record\n")
    assert "gpu4: no record: it could" in done.stdout


def stamped(folder: Path, hour: int, *results: Result, **head: Any) -> None:
    started = datetime.datetime(2026, 11, 21, 12 + hour, tzinfo=datetime.timezone.utc)
    made = record(results, started=started, **head)
    records.write(folder, f"{started:%Y%m%dT%H%M%SZ}.json", made)


def test_of_several_runs_of_a_host_the_newest_of_each_row_counts(tmp_path: Path) -> None:
    stamped(tmp_path, 0, timed(0.2), timed(1.0, "convnet"), timed(2.0, device=CPU))
    stamped(tmp_path, 1, timed(0.1))
    for order in (["-2", "last"], ["last", "-2"]):
        made = sheet.of(reading.read(order, tmp_path))
        assert made.headline == "Fleet: 1 host"
        assert {
            (line.host, line.device): {name: str(cell) for name, cell in line.cells.items()}
            for line in made.lines
        } == {
            ("bench-1", "gpu:0"): {"mlp": "100 ms OK", "convnet": "1 s OK"},
            ("bench-1", "cpu"): {"mlp": "2 s OK"},
        }
        assert made.notes == ("bench-1: of 2 runs the newest of each row counts",)


def test_a_host_without_a_record_that_had_one_before_is_one_host() -> None:
    made = found(member("gpu1", timed(0.1)), gpu1="it could not be reached")
    assert made.headline == "Fleet: 1 host"
    assert len(made.lines) == 1
    assert made.notes == ("gpu1: no record: it could not be reached",)


def test_machines_of_one_name_are_told_apart_by_their_gpus(tmp_path: Path) -> None:
    stamped(tmp_path, 0, timed(0.1))
    other = replace(H100, uuids=("GPU-of-another-machine",))
    stamped(tmp_path, 1, timed(0.1, device=other), machine=machine(devices=(CPU, other)))
    stamped(tmp_path, 2, timed(0.1), machine=machine(host=WITHHELD))
    read = reading.read(["-3", "-2", "last"], tmp_path)
    assert [each.name for each in read.members] == [
        "bench-1 11-21 12:00:00",
        "bench-1 11-21 13:00:00",
        "20261121T140000Z",
    ]


def test_a_run_that_was_named_and_is_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gpu1.json").write_text("{", encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RecordError, match="is damaged"):
        reading.read([str(tmp_path / "gpu1.json")], tmp_path)
    with pytest.raises(RecordError, match="no record there"):
        reading.read([str(empty)], tmp_path)
