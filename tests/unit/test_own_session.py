"""The parent's side of a model of one's own, with a worker that only pretends to have run it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace as replaced

from bench.judge.bottleneck import could_be_tuned, figures
from bench.judge.floors import OwnFloors
from bench.judge.rerun import rerun_command
from bench.observe.devices import Found
from bench.options import Settings
from bench.record import codec
from bench.record.comparable import difference, key_for
from bench.record.model import Failed, Finished, Record
from bench.report import summary
from bench.report.format import Screen
from bench.report.progress import line
from bench.runner import collection, events
from bench.runner.events import Event, Noted, Phase, RowLeftOut
from bench.runner.row import Row, rows
from bench.runner.run import arguments
from bench.runner.session import Session
from bench.worker.messages import OwnFile
from bench.worker.own.data import Reader, Split, not_finite
from bench.workloads.own import Floor, OwnWorkload, read
from bench.workloads.workload import Mode
from tests.support import fake_worker
from tests.support.records import CPU
from tests.support.run_settings import smoke

WORKER = """
own = job["own"]
if job["mode"] == "tuned":
    say("unable", reason="data() returns a tf.data, and tuned takes arrays in memory")
    wait_for_ever()
if own["batch"] == 13:
    print("a warning of TensorFlow's", file=sys.stderr, flush=True)
    say("error", message="my_model.py:7, in data: OSError: no such disk", of_file=True)
    wait_for_ever()
assert job["data"] == {}
begin()
say("data", kind="arrays in memory", sha256="da" * 32, train=500, validation=100,
    baselines=dict(most_frequent_class_accuracy=0.12))
for number in range(1, job["epochs"] + 1):
    epoch(number, 0.0, 1.0 / number)
say("phase", name="evaluation")
metric = (own["metrics"] or ["val_accuracy"])[0]
say("quality", value=0.75, untrained=0.1, memory_peak=None, metric=metric,
    others=dict(val_loss=0.5))
wait_for_ever()
"""
_TEXT = "def model():\n    pass\n\n\ndef data():\n    pass\n"


def _workload(folder: Path, text: str = _TEXT) -> OwnWorkload:
    path = folder / "my_model.py"
    path.write_text(text, encoding="utf-8")
    return read(path)


def _settings(folder: Path, *workloads: OwnWorkload) -> Settings:
    return smoke(folder / "results", fake_worker.write(folder, WORKER), workloads=workloads)


def _trained(
    folder: Path, workload: OwnWorkload, mode: Mode = "stock", told: list[Event] | None = None
) -> Record:
    listener = events.ignore if told is None else told.append
    with Session(_settings(folder, workload), Found((CPU,)), listener=listener) as session:
        session.train(Row(workload, CPU, mode))
        if not session.record.results:
            return session.record.record
    return codec.read(session.record.path)


def _finished(record: Record) -> Finished:
    (result,) = record.results
    assert isinstance(result, Finished), result
    return result


def test_a_row_is_recorded_with_its_file_its_data_and_its_quality(tmp_path: Path) -> None:
    workload = _workload(tmp_path)
    record = _trained(tmp_path, workload)
    result = _finished(record)
    assert (result.workload, result.epochs.steady) == ("my_model", (0.5, 1 / 3))
    assert result.file is not None
    assert (result.file.path, result.file.sha256) == (str(workload.path), workload.sha256)
    assert record.settings.workloads == (str(workload.path),)
    data, quality = result.dataset, result.quality
    assert (data.kind, data.note, data.train_images) == ("own", "arrays in memory", 500)
    assert (quality.metric, quality.value, quality.guess) == ("val_accuracy", 0.75, 0.12)
    assert (quality.floor, quality.bound, quality.ok) == (None, None, True)
    assert quality.others == {"val_loss": 0.5}
    assert result.verdict is not None


def test_a_row_is_shown_as_any_other_with_a_guess_where_it_has_no_floor(tmp_path: Path) -> None:
    record = _trained(tmp_path, _workload(tmp_path))
    text = summary.text(record, Path("r.json"), Screen(), verbose=True)
    assert re.search(r"my_model .* val_accuracy 75\.00 % \(a guess: 12\.00 %\)", text)
    assert "Data: own" in text
    assert "75.00 %" in line(_finished(record))


@pytest.mark.parametrize(
    ("floors", "word", "told"),
    [
        ('{"val_accuracy": ">= 0.7"}', "", "val_accuracy 75.00 % (≥ 70.00 %)"),
        (
            '{"val_accuracy": ">= 0.8"}',
            "BELOW-FLOOR",
            "val_accuracy 75.00 % is below its floor of 80.00 %",
        ),
        (
            '{"val_accuracy": ">= 0.7", "val_loss": "<= 0.4"}',
            "BELOW-FLOOR",
            "val_loss 0.5 is above its floor of 0.4",
        ),
    ],
)
def test_floors_of_the_file_are_held(tmp_path: Path, floors: str, word: str, told: str) -> None:
    record = _trained(tmp_path, _workload(tmp_path, f"FLOORS = {floors}\n{_TEXT}"))
    result = _finished(record)
    text = summary.text(record, None, Screen(200), verbose=True)
    assert told in " ".join(text.split())
    assert result.quality.ok == (not word)
    assert result.verdict is not None
    assert (result.verdict.word == "BELOW-FLOOR") == bool(word)


def test_what_is_to_be_run_again_names_the_file(tmp_path: Path) -> None:
    record = _trained(tmp_path, _workload(tmp_path))
    result, file = _finished(record), tmp_path / "my_model.py"
    assert rerun_command(result) == f"pytest bench/ --workload {file} --device cpu"
    text = " ".join(summary.text(record, None, Screen(400), verbose=True).split())
    assert f"Next: pytest bench/ --workload {file} --profile quick (the smoke" in text


def test_tuning_is_advised_where_its_data_can_be_tuned(tmp_path: Path) -> None:
    made = _finished(_trained(tmp_path, _workload(tmp_path)))
    batches = replaced(made, dataset=replaced(made.dataset, note="tf.data"))
    assert could_be_tuned(made)
    assert not could_be_tuned(batches)
    command = f"pytest bench/ --workload {tmp_path / 'my_model.py'} --mode stock,tuned"
    assert (figures(made, None).both_modes, figures(batches, None).both_modes) == (command, None)


def test_what_is_wrong_in_the_file_is_its_line_and_nothing_else(tmp_path: Path) -> None:
    record = _trained(tmp_path, _workload(tmp_path, f"BATCH = 13\n{_TEXT}"))
    (result,) = record.results
    assert isinstance(result, Failed)
    assert result.reason == "my_model on cpu: my_model.py:7, in data: OSError: no such disk"
    assert result.file is not None
    assert result.dataset is None


def test_a_mode_that_cannot_train_it_is_left_out_with_a_line_and_asked_once(tmp_path: Path) -> None:
    told: list[Event] = []
    workload = _workload(tmp_path)
    row = Row(workload, CPU, "tuned")
    with Session(_settings(tmp_path, workload), Found((CPU,)), listener=told.append) as session:
        assert session.train(row) == ()
        (tmp_path / "worker").unlink()  # another one could not be started
        assert session.train(row) == ()
        assert session.record.results == []
        why = session.why_left_out(row)
    left = [each for each in told if isinstance(each, RowLeftOut)]
    assert why == "data() returns a tf.data, and tuned takes arrays in memory"
    assert left == [RowLeftOut("my_model on cpu, tuned", why)] * 2


def test_rows_are_those_of_the_files_alone(tmp_path: Path) -> None:
    settings = _settings(tmp_path, _workload(tmp_path))
    assert [row.title for row in rows(settings)] == ["my_model on cpu"]
    both = replace(settings, modes=("stock", "tuned"))
    assert [row.mode for row in rows(both)] == ["stock", "tuned"]


def test_records_of_two_contents_of_a_file_are_not_comparable(tmp_path: Path) -> None:
    before = _trained(tmp_path, _workload(tmp_path))
    (tmp_path / "results").rename(tmp_path / "earlier")
    now = _trained(tmp_path, _workload(tmp_path, f"{_TEXT}\n# another"))
    keys = [key_for(_finished(record), record) for record in (before, before, now)]
    assert difference(keys[0], keys[1]) is None
    told = difference(keys[0], keys[2])
    assert told is not None
    assert re.fullmatch(
        r"file my_model\.py \w{12} → my_model\.py \w{12}; the file with the model was changed; .*",
        told,
    )


# ---- its quality


_FLOORS = OwnFloors((Floor("val_mae", True, 2.0),))


@pytest.mark.parametrize(
    ("metric", "value", "others", "reason"),
    [
        ("val_mae", 1.9, {"val_loss": 4.0}, None),
        ("val_mae", 2.0, {"val_loss": 4.0}, None),
        ("val_mae", 2.1, {"val_loss": 4.0}, "val_mae 2.1 is above its floor of 2"),
        ("val_mae", float("nan"), {"val_loss": 4.0}, "val_mae nan is above its floor of 2"),
        ("val_mae", 1.0, {"val_loss": float("inf")}, "the val_loss is inf: the training diverged"),
    ],
)
def test_a_quality_is_held_to_every_floor_and_to_be_a_number(
    metric: str, value: float, others: dict[str, float], reason: str | None
) -> None:
    quality = _FLOORS.quality(metric, value, 9.0, others, {"mean_predictor_mae": 2.5})
    assert (quality.reason, quality.ok) == (reason, reason is None)
    assert (quality.floor, quality.at_most, quality.guess) == (2.0, True, 2.5)


def test_a_guess_of_another_metric_is_none() -> None:
    guesses = {"most_frequent_class_accuracy": 0.6}
    made: Any = OwnFloors(()).quality("val_auc", 0.9, 0.5, {}, guesses)
    assert (made.guess, made.floor, made.at_most) == (None, None, None)


# ---- the command


def test_run_is_pytest_with_the_files() -> None:
    bench, *rest = arguments(["a.py", "b.py", "--device", "cpu", "-v"])
    assert Path(bench).name == "bench"
    assert rest == ["--workload=a.py", "--workload=b.py", "--device", "cpu", "-v"]


def test_a_backend_that_a_file_sets_and_that_does_not_train_is_told(tmp_path: Path) -> None:
    asks = 'import os\nos.environ["KERAS_BACKEND"] = "{}"\n' + _TEXT

    def told(name: str) -> list[str]:
        settings = _settings(tmp_path, _workload(tmp_path, asks.format(name)))
        return collection.header(settings, verbose=False)[1:]

    nothing = "my_model.py:2: KERAS_BACKEND {} chooses nothing here: tensorflow trains"
    assert told("jax") == [nothing.format("jax") + "; to choose that: --backend jax"]
    assert told("numpy") == [nothing.format("numpy")]
    assert told("tensorflow") == []


def test_a_training_of_the_files_own_is_told(tmp_path: Path) -> None:
    trains = f"{_TEXT}\nmodel().fit(*data()[0], epochs=9)\n"
    settings = _settings(tmp_path, _workload(tmp_path, trains))
    (told,) = collection.header(settings, verbose=False)[1:]
    line = trains.splitlines().index("model().fit(*data()[0], epochs=9)") + 1
    assert told.startswith(f"my_model.py:{line}: fit trains here as well whenever the file is run")


class _Batches:
    """A PyDataset of three batches; in its second and its last a number is none."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int) -> Any:
        return np.full((4, 1), np.nan if number else 1, "float32"), {"a": np.ones(4, "int64")}


def _leaves(part: Any) -> list[Any]:
    parts = tuple(part.values()) if isinstance(part, dict) else part
    if not isinstance(parts, tuple):
        return [part]
    return [leaf for each in parts for leaf in _leaves(each)]


def test_numbers_that_are_none_are_told_of_batches_as_they_are_read() -> None:
    keras = SimpleNamespace(utils=SimpleNamespace(Sequence=_Batches))
    backend: Any = SimpleNamespace(is_dataset=lambda _: False, keras=keras, flatten=_leaves)
    reader = Reader(backend, OwnFile("x.py", ""), print)
    batches = _Batches()
    train, validation = reader.splits((lambda: iter([batches[0], batches[1]]), batches))
    assert not_finite(backend, "the training data", train) == (
        "4 of 8 numbers in x of the training data are NaN or infinite",
    )
    told = "4 of 8 numbers in x of the first and the last batch of it are NaN or infinite"
    assert not_finite(backend, "it", validation) == (told,)


_IN_ITS_FILE = """  File "{}", line 9, in <module>
    pool = multiprocessing.Pool(4)
RuntimeError:
        An attempt has been made to start a new process before the
        current process has finished its bootstrapping phase.
"""
_POOL_FAILS = "".join(
    f"Process ForkPoolWorker-{number}:\nTraceback:\n  File\nValueError: no licence\n"
    for number in range(40)
)


@pytest.mark.parametrize(
    ("logged", "ends", "told"),
    [
        (_IN_ITS_FILE, "", ":9: each process that it begins runs it, too; begin them in data()"),
        (
            _IN_ITS_FILE,
            'say("error", message="my_model.py:9: BrokenProcessPool: it broke", of_file=True)',
            ":9: each process that it begins runs it, too; begin them in data()",
        ),
        (
            _POOL_FAILS,
            "",
            ": each process of its pool ends as it begins: ValueError: no licence",
        ),
    ],
)
def test_processes_that_end_as_they_begin_are_not_waited_for(
    tmp_path: Path, logged: str, ends: str, told: str
) -> None:
    workload = _workload(tmp_path)
    text = logged.format(workload.path)
    worker = f"print({text!r}, file=sys.stderr, flush=True)\n{ends}\nwait_for_ever()\n"
    settings = replace(
        _settings(tmp_path, workload), worker_python=fake_worker.write(tmp_path, worker)
    )
    with Session(settings, Found((CPU,))) as session:
        (result,) = session.train(Row(workload, CPU))
    assert isinstance(result, Failed)
    assert result.reason == f"my_model on cpu: my_model.py{told}"


def test_numbers_that_are_none_are_counted_for_each_array_and_told_before_training(
    tmp_path: Path,
) -> None:
    parts = [{"a": np.zeros(4), "b": np.array([1, np.inf])}, np.array([[np.nan, 1, -np.inf]])]
    weights = {"int": np.ones(4, int), "empty": np.zeros((4, 0))}
    split = Split("arrays in memory", (*parts, weights), 4)
    backend: Any = SimpleNamespace(
        flatten=lambda part: [*part.values()] if isinstance(part, dict) else [part]
    )
    told = [*not_finite(backend, "the training data", split)]
    assert told == [
        "1 of 2 numbers in x (2 of 2) of the training data are NaN or infinite",
        "2 of 3 numbers in y of the training data are NaN or infinite",
    ]
    assert not_finite(backend, "it", Split("tf.data", (None,), 4)) == ()
    assert not_finite(backend, "it", None) == ()
    worker = WORKER.replace("train=500,", f"train=500, not_finite={told},")
    settings = replace(
        _settings(tmp_path, workload := _workload(tmp_path)),
        worker_python=fake_worker.write(tmp_path, worker),
    )
    heard: list[Event] = []
    with Session(settings, Found((CPU,)), listener=heard.append) as session:
        session.train(Row(workload, CPU))
    notes = [each.text for each in heard if isinstance(each, Noted)]
    assert notes == [f"my_model: {line}" for line in told]
    assert heard.index(Noted(notes[0])) < heard.index(Phase("evaluation"))
