"""How fast networks answer, as it is told: table, page, export, comparison, fleet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.page.write import page
from bench.record.measured import unknown
from bench.record.model import File, Finished, Record
from bench.report import inference as reported
from bench.report import summary
from bench.report.fleet import sheet
from bench.report.fleet.reading import Fleet, Member
from bench.report.format import Screen
from tests.support import records
from tests.support.answers import inference
from tests.support.bench_verbs import Files, command, compare_command
from tests.support.records import CPU, H100, STEADY, record, repeats, result


def answering(workload: str, device: Any, one: float, many: float, **members: Any) -> Finished:
    return result(workload, device, inference=inference(device, one, many), **members)


MLP = (answering("mlp", CPU, 0.0002, 0.0025), answering("mlp", H100, 0.0004, 0.0005))
BOTH = (*MLP, answering("convnet", CPU, 0.002, 0.04), answering("convnet", H100, 0.0005, 0.002))


def text(*results: Finished, width: int = 100, verbose: bool = False) -> str:
    return summary.text(record(results), None, Screen(width=width), verbose=verbose)


# ---- the answer


def test_a_gpu_that_does_not_pay_for_one_image_is_said_to() -> None:
    assert list(reported.lines(MLP)) == [
        (
            "Inference: gpu:0 answers one image in 0.4 ms, the CPU in 0.2 ms: 0.50 times as fast; "
            "in batches 256,000 images/s against 51,200: 5.0 times"
        ),
        (
            "One image at a time the CPU answers sooner: gpu:0 is not worth it in mlp, and pays in "
            "batches alone"
        ),
    ]


def test_several_workloads_are_a_range() -> None:
    first, second = reported.lines(BOTH)
    assert first == (
        "Inference: gpu:0 answers one image 0.50 to 4.0 times as fast as the CPU, at its best in "
        "convnet; in batches 5.0 to 20 times as many, at its best in convnet"
    )
    assert "not worth it in mlp" in second


def test_a_gpu_that_pays_in_nothing_is_said_so() -> None:
    slow = (MLP[0], answering("mlp", H100, 0.001, 0.01))
    assert [line.partition(":")[0] for line in reported.lines(slow)] == [
        "Inference",
        "One image at a time the CPU answers sooner",
        "In batches, too, the CPU answers more images/s in mlp",
    ]
    assert "pays in batches" not in " ".join(reported.lines(slow))


def test_without_a_gpu_or_without_the_cpu_there_is_nothing_to_hold_it_to() -> None:
    (alone,) = reported.lines([BOTH[0], BOTH[2]])
    assert alone == (
        "Inference: the CPU answers one image in 0.2 ms to 2 ms; in batches 3,200 to 51,200 "
        "images/s"
    )
    (alone,) = reported.lines([MLP[1]])
    assert alone.startswith("Inference: gpu:0 answers one image in 0.4 ms; in batches 256,000")


def test_without_the_cpu_no_column_holds_it_to_it() -> None:
    headings, _ = reported.cells([MLP[1]])
    assert headings == ["Workload", "One answer", "95 of 100", "Batch", *headings[-2:]]
    assert "CPU ÷ GPU" not in text(MLP[1], width=200)
    assert "CPU ÷ GPU" in text(*MLP, width=200)


def test_without_quality_there_is_no_speed() -> None:
    guessing = (MLP[0], answering("mlp", H100, 0.0004, 0.0005, value=0.2))
    assert not any("times" in line for line in reported.lines(guessing))
    assert "BELOW-FLOOR" in text(*guessing)


def test_a_file_of_ones_own_answers_examples() -> None:
    own = replace(MLP[0], file=File("/home/it.py", "5f" * 32))
    (line,) = reported.lines([own])
    assert "one example in" in line
    assert "Examples/s" in text(own)


# ---- the table


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_is_below_the_other_and_fits(width: int) -> None:
    told = text(*BOTH, answering("convnet", H100, 0.0003, 0.001, mode="tuned"), width=width)
    assert max(map(len, told.splitlines())) <= width
    _, _, below = told.partition("Inference: ")
    rows = [line.split() for line in below.splitlines() if line.startswith(" mlp  ")]
    cpu, gpu = ([word for word in row if word != "stock"] for row in rows)
    assert cpu[:4] == ["mlp", "cpu", "0.2", "ms"]
    assert gpu[:4] == ["mlp", "gpu:0", "0.4", "ms"]
    assert ("0.50×" in gpu, "5.0×" in gpu, gpu[-1]) == (True, True, "OK")
    assert "0.24" in cpu


def test_what_was_not_asked_for_is_not_told() -> None:
    assert "nference" not in text(result("mlp"))
    assert reported.cells([result("mlp")])[1] == []


def test_what_speaks_against_it_and_what_is_missing_are_warnings() -> None:
    stolen = result("mlp", inference=inference(steal=0.1))
    missing = result("convnet", inference=unknown("ran out of memory"))
    told = " ".join(text(stolen, missing).split())
    assert "Inference of mlp: CONTENDED: the hypervisor gave 10 % of its time to other" in told
    assert "convnet: inference was not measured: ran out of memory" in told
    assert "CONTENDED" not in " ".join(text(result("mlp", inference=inference())).split())


def test_what_is_alike_of_several_rows_is_one_line() -> None:
    several = [result(name, inference=inference(steal=0.1)) for name in ("mlp", "convnet")]
    told = " ".join(text(*several).split())
    assert told.count("Fix:") == 1
    assert "Inference of mlp, convnet: CONTENDED: the hypervisor gave 10 % of its time" in told
    assert "machines (in mlp). Fix: vmstat 5" in told


def test_what_explains_it_is_told_with_v() -> None:
    told = " ".join(text(MLP[0], verbose=True).split())
    assert "the first answer took 1.25 s (with compiling)" in told
    assert "99 of 100 at most 0.3 ms; a batch of 128 2.5 ms" in told
    assert "99 of 100" not in text(MLP[0])


# ---- elsewhere


def test_the_page_has_the_table_and_its_answer_and_bars() -> None:
    made = page([(record(BOTH), None)])
    assert "gpu:0 is not worth it in mlp" in made
    assert made.count("<table>") == 2
    for plot in ("mlp: one answer", "convnet: answers in batches"):
        assert f"<h3>{plot}</h3>" in made
    assert page([(record([result("mlp")]), None)]).count("<table>") == 1


def test_an_export_has_its_columns(tmp_path: Path) -> None:
    written = records.write(tmp_path, "run.json", record(MLP))
    first, second = json.loads(command("export", written, "--json").stdout)
    assert (first["latency_s"], second["latency_s"]) == (0.0002, 0.0004)
    assert second["latency_p95_s"] == pytest.approx(0.00048)
    assert (second["inference_batch"], second["inference_images_per_s"]) == (128, 256_000)
    assert (second["inference_verdict"], second["inference_reason"]) == ("OK", None)
    assert "latency_s" in command("export", written, "--markdown").stdout


# ---- compared


def answered(by: float, **members: Any) -> list[Finished]:
    """Twelve repeats of mlp whose single answers, and these alone, are longer by a share."""
    return [
        replace(each, inference=inference(one=0.001 * factor * (1 + by), many=0.01 * factor))
        for each, factor in zip(repeats("mlp", **members), STEADY, strict=True)
    ]


def test_answers_are_compared_by_the_rule_of_the_epochs(write: Files) -> None:
    a, b = write("a", answered(0.0)), write("b", answered(0.1))
    done = compare_command(a, b, "--json")
    assert done.returncode == 1
    assert {row["figure"]: row["answer"] for row in done.rows} == {
        "epoch": "SAME",
        "latency": "SLOWER",
        "throughput": "SAME",
    }
    told = compare_command(a, b).stdout
    assert told.startswith("SLOWER: 1 of 3 rows (2 SAME)")
    assert "SLOWER: one answer of mlp on cpu: B takes 1.100 times as long as A" in told
    rows = [line.split() for line in told.splitlines() if line.startswith(" mlp ")]
    assert [row[3] for row in rows] == ["epoch", "answer", "batch"]


def test_answers_that_are_in_doubt_are_no_side_and_their_epochs_are(write: Files) -> None:
    doubtful = [replace(each, inference=inference(steal=0.1)) for each in answered(0.0)]
    done = compare_command(write("a", answered(0.0)), write("b", doubtful), "--json")
    answers = {row["figure"]: (row["answer"], row["b"]["left_out"]) for row in done.rows}
    assert answers["epoch"] == ("SAME", "")
    assert answers["latency"] == answers["throughput"] == ("UNCLEAR", "12 CONTENDED")


def test_what_one_record_has_no_answers_of_is_not_compared(write: Files) -> None:
    a, b = write("a", repeats("mlp")), write("b", answered(0.0))
    done = compare_command(a, b, "--json")
    assert [row["answer"] for row in done.rows] == ["SAME", "not comparable", "not comparable"]
    assert [row["figure"] for row in compare_command(b, a, "--json").rows] == ["epoch"]


def test_another_batch_or_another_way_to_measure_is_another_figure(write: Files) -> None:
    def otherwise(**members: Any) -> list[Finished]:
        return [
            replace(each, inference=replace(each.inference, value=change(each, **members)))  # type: ignore[type-var]
            for each in answered(0.0)
        ]

    def change(each: Finished, **members: Any) -> Any:
        assert each.inference is not None
        assert each.inference.value is not None
        value = each.inference.value
        if batch := members.get("batch"):
            return replace(value, throughput=replace(value.throughput, batch=batch))
        return replace(value, **members)

    a = write("a", answered(0.0))
    for name, members, unlike in (
        ("b", {"batch": 64}, ["throughput"]),
        ("c", {"program": 2}, ["latency", "throughput"]),
    ):
        rows = compare_command(a, write(name, otherwise(**members)), "--json").rows
        found = [row["figure"] for row in rows if row["answer"] == "not comparable"]
        assert found == unlike


# ---- a fleet


def _member(name: str, one: float) -> Member:
    made: Record = record([answering("mlp", H100, one, 0.01)])
    return Member(name, Path(f"{name}.json"), made)


def test_a_host_whose_answers_alone_are_slow_is_the_odd_one() -> None:
    made = sheet.of(Fleet((_member("a", 0.001), _member("b", 0.001), _member("c", 0.0013)), {}))
    assert made.headings == (
        *("Host", "Device", "mlp", "mlp: one answer", "mlp: a batch of answers"),
    )
    (last,) = [row for row in made.rows if row[0] == "c"]
    assert last[2:] == ("1.25 s OK", "1.3 ms OK +30 %", "10 ms OK")
    (note,) = made.notes
    assert note.startswith("c gpu:0: slower than its 2 twins: one answer of mlp 30 %;")
