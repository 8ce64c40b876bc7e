"""`python -m bench export`: flat rows, whatever stands in a record."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.record.head import Experiment
from bench.record.model import Bottleneck, Input
from bench.record.variant import Variant
from bench.report.export import formats
from bench.report.export.columns import COLUMNS, DOCUMENT, SHORT, documented
from bench.report.export.trained import trainings
from tests.support import records
from tests.support.answers import inference
from tests.support.bench_verbs import command
from tests.support.records import CPU, H100, failed, record, result, telemetry, time_to_target

OLD = Path(records.__file__).with_name("record_schema_2.json")
_WATCHED = telemetry(
    power={"mean": 301.5, "limit": 350.0},
    clocks={"sm": 1755.0},
    temperature=61.0,
    busy=0.9,
    memory={"peak": 5},
    energy={"gross_per_epoch": 120.5},
)
_GPU = result(
    "post",
    H100,
    share=0.5,
    busy=0.9,
    telemetry=_WATCHED,
    variant=Variant(batch=512, xla=True),
    memory_peak=123,
    side="B",
    quality=replace(records.quality("post"), training=12.5),
    input=Input(
        source="disk", folder="/mnt", file_system="ext4", bytes=1, waiting=0.25, warm_waiting=0.1
    ),
    bottleneck=Bottleneck("compute-bound", "it is", None),
    conditions=records.conditions(other_load=0.1, steal=0.0),
    inference=inference(H100, steal=0.1),
)
_RECORD = record([_GPU, failed("mlp", CPU, "killed:\nlast words")], [time_to_target()])
_EVERYTHING = replace(
    _RECORD, settings=replace(_RECORD.settings, experiment=Experiment(name="grind-pooling"))
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return records.write(tmp_path, "run.json", _EVERYTHING)


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_column_has_a_value_somewhere() -> None:
    every = list(trainings(Path("run.json"), _EVERYTHING))
    empty = [each.name for each in COLUMNS if all(each.value(trained) is None for trained in every)]
    assert empty == ["environment", "libraries"]  # that fixture has none
    assert {type(each.value(one)) for each in COLUMNS for one in every} == {
        *(str, int, float, bool, type(None))
    }


def test_names_are_each_one_and_documented() -> None:
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert set(SHORT) <= set(names)
    assert "\n".join(documented()) in DOCUMENT.read_text("utf-8")


def test_a_row_a_training_with_units_in_the_header(written: Path) -> None:
    other = records.write(written.parent, "other.json", _EVERYTHING)
    done = command("export", written, other, "--csv")
    assert (done.returncode, done.stderr) == (0, "")
    rows = _csv(done.stdout)
    assert len(rows) == 6
    trained, broken, reached = rows[:3]
    assert list(trained) == [column.name for column in COLUMNS]
    assert (trained["run"], trained["workload"], trained["device"]) == ("run", "post", "gpu:0")
    assert float(trained["epoch_s"]) == 1.25
    assert (trained["power_w"], trained["variant"]) == ("301.5", "batch 512, XLA")
    assert (broken["verdict"], broken["epoch_s"]) == ("FAILED", "")
    assert broken["reason"] == "killed: last words"
    assert (reached["kind"], reached["target"], reached["quality_ok"]) == ("target", "0.99", "True")


def test_json_has_numbers_and_null_and_only_the_columns_asked_for(written: Path) -> None:
    done = command("export", written, "--json", "--columns", "epoch_s, reason")
    assert json.loads(done.stdout) == [
        {"epoch_s": 1.25, "reason": None},
        {"epoch_s": None, "reason": "killed:\nlast words"},
        {"epoch_s": 2.0, "reason": None},
    ]


def test_markdown_leaves_out_what_no_row_has(tmp_path: Path) -> None:
    written = records.write(tmp_path, "run.json", record([result("mlp"), result("convnet")]))
    done = command("export", written, "--markdown")
    head, rule, first, _second = done.stdout.splitlines()
    assert head.startswith("| run | host | workload | device | device_name | mode | verdict | ")
    assert "side" not in head
    assert "energy" not in head
    assert rule.count("---:") == 4
    assert "| mlp | cpu |" in first
    assert "| 48000 |" in first


@pytest.mark.parametrize("form", ["csv", "markdown", "json"])
def test_what_somebody_interrupted_is_called_so(form: str, tmp_path: Path) -> None:
    stopped = failed("mlp", CPU, "mlp on cpu: interrupted")
    path = records.write(tmp_path, "run.json", record([stopped, failed("post", CPU, "killed")]))
    text = command("export", path, f"--{form}", "--columns", "verdict").stdout
    assert text.index("INTERRUPTED") < text.index("FAILED")
    assert text.count("FAILED") == 1


def test_a_run_of_an_older_schema_is_exported() -> None:
    rows = json.loads(command("export", OLD, "--json").stdout)
    assert [row["kind"] for row in rows] == ["epochs", "target"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--columns", "epochs_s"], "no column 'epochs_s'; there is epoch_s, epochs, "),
        (["--out", "THERE"], "is there already; name another file"),
        (["--out", "."], "--out . is a folder; name a file in it"),
        (["--out", "none/x.csv"], "cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_a_line(written: Path, arguments: list[str], told: str) -> None:
    given = [each.replace("THERE", str(written)) for each in arguments]
    before = written.read_bytes()
    done = command("export", written, "--csv", *given)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert told in line
    assert written.read_bytes() == before


def test_a_file_is_written_whole(written: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    assert command("export", written, "--csv", "--out", out).stdout == ""
    assert out.read_text() == command("export", written, "--csv").stdout
    assert out.read_text() == command("export", written, written, "--csv").stdout
    assert sorted(tmp_path.iterdir()) == [out, written]


# ---- anybody's text

_HOSTILE = st.text(st.sampled_from("=+-@\t\r\n|`\\<>[]()!*_~#&'\",;ab1 "), max_size=12)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r@", "\n="])
def test_no_cell_of_csv_is_a_formula(start: str) -> None:
    made = _csv(formats.as_csv(["a"], [{"a": f"{start}cmd|' /C calc'!A0"}]))
    assert made[0]["a"][0] == "'"


def test_a_number_below_zero_stays_a_number() -> None:
    assert formats.as_csv(["a"], [{"a": -0.5}]) == "a\n-0.5\n"


@given(_HOSTILE)
def test_any_text_stays_in_its_cell(text: str) -> None:
    rows: list[formats.Row] = [{"a": text, "b": 1}]
    (read,) = _csv(formats.as_csv(["a", "b"], rows))
    assert read["b"] == "1"
    assert not read["a"].startswith(("=", "+", "-", "@", "\t", "\r"))
    (again,) = json.loads(formats.as_json(["a", "b"], rows))
    assert again == rows[0]
    *_, line = formats.as_markdown(["a", "b"], rows).splitlines()
    assert len(formats.as_markdown(["a", "b"], rows).splitlines()) == 3
    assert line.replace("\\|", "").count("|") == 3
    plain = line.removesuffix(" | 1 |").removeprefix("| ")
    assert plain.startswith("`") == plain.endswith("`")
    if not plain.startswith("`"):
        assert not set(plain) & set("=+-@|\\<>[]!*_~#&`")
