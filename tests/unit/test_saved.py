"""Networks that are kept beside the record, with what it takes to use them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets import fingerprints
from bench.datasets.dataset import Dataset, Split
from bench.datasets.prepared import Prepared, Store
from bench.errors import DataError, RecordError
from bench.observe.devices import Found
from bench.record import codec, description
from bench.record.artifacts import models
from bench.record.model import Finished
from bench.record.repeats import Repeat
from bench.record.variant import Design, Variant
from bench.report import format as shown
from bench.report import notes, summary
from bench.report.format import Screen
from bench.runner.row import Row
from bench.runner.session import Session
from bench.workloads import EVERY
from tests.support import fake_worker
from tests.support.records import CPU
from tests.support.run_settings import chosen

NETWORK = b"PK\x03\x04, as Keras has it"
_SAVES = f"""
begin()
for number in (1, 2, 3):
    epoch(number)
say("phase", name="evaluation")
open(job["save"], "wb").write({NETWORK!r})
say("quality", value=50.0, untrained=400.0, memory_peak=None)
wait_for_ever()
"""
_CANNOT = """
begin()
for number in (1, 2, 3):
    epoch(number)
say("phase", name="evaluation")
say("unsaved", why="a layer of it has no config")
say("quality", value=50.0, untrained=400.0, memory_peak=None)
wait_for_ever()
"""
SPLIT = Split(
    np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3), np.array([20, 25, 30, 35, 40], "f4")
)


@pytest.fixture(autouse=True)
def _no_data_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Dataset("grind", "synthetic", "generated", SPLIT, SPLIT, {"mean_predictor_mse": 50.0})
    monkeypatch.setattr(Store, "prepare", lambda *_: Prepared(made, {}, made.sha256()))


def session(folder: Path, worker: str, *words: str) -> Session:
    python = fake_worker.write(folder, worker)
    made = chosen(f"--worker-python={python}", f"--results-dir={folder / 'results'}", *words)
    return Session(made, Found((CPU,)))


def trained(made: Session, row: Row, repeat: Repeat | None = None) -> Finished:
    with made as run:
        run.train(row, repeat or Repeat())
    (result,) = codec.read(made.record.path).results
    assert isinstance(result, Finished)
    return result


def test_a_network_is_beside_the_record_with_all_that_it_takes_to_use_it(tmp_path: Path) -> None:
    run = session(tmp_path, _SAVES, "--save-models", "--seed=7")
    result = trained(run, Row(EVERY["post"], CPU))
    assert result.saved is not None
    assert result.saved.value is not None
    saved = result.saved.value
    path = models(run.record.path) / saved.file
    assert path.name == "post-cpu.keras"
    assert path.read_bytes() == NETWORK
    assert (saved.sha256, saved.bytes) == (hashlib.sha256(NETWORK).hexdigest(), len(NETWORK))
    told = description.read(description.beside(path))
    assert (told.sha256, told.seed, told.workload) == (saved.sha256, 7, "post")
    assert told.preprocessing is not None
    assert (told.preprocessing.image, told.preprocessing.scale) == ((255, 255, 3), None)
    assert told.trained_on is not None
    assert told.trained_on.mean == 30.0
    seen = fingerprints.read(path.with_name(told.trained_on.file))
    assert seen.tolist() == fingerprints.of(SPLIT.x).tolist()
    assert sorted(each.suffix for each in path.parent.iterdir()) == [".json", ".keras", ".npy"]


def test_a_description_tells_the_design_and_the_seed_of_a_repeat(tmp_path: Path) -> None:
    row = Row(EVERY["post"], CPU, variant=Variant(design=Design(size=128, pooling="average")))
    run = session(tmp_path, _SAVES, "--save-models")
    result = trained(run, row, Repeat(2, seed=11))
    assert result.saved is not None
    assert result.saved.value is not None
    path = models(run.record.path) / result.saved.value.file
    told = description.read(description.beside(path))
    assert told.variant == row.variant
    assert told.seed == 11
    assert told.preprocessing is not None
    assert told.preprocessing.image == (128, 128, 3)


def test_nothing_is_saved_that_nobody_asked_for(tmp_path: Path) -> None:
    asks = _SAVES.replace(
        'open(job["save"], "wb")', 'assert not job["save"]; open("/dev/null","wb")'
    )
    run = session(tmp_path, asks)
    assert trained(run, Row(EVERY["post"], CPU)).saved is None
    assert not models(run.record.path).exists()


def test_what_cannot_be_saved_is_said_and_counts_all_the_same(tmp_path: Path) -> None:
    run = session(tmp_path, _CANNOT, "--save-models")
    result = trained(run, Row(EVERY["post"], CPU))
    assert result.saved is not None
    assert result.saved.why == "a layer of it has no config"
    assert result.quality.value == 50.0
    told = codec.read(run.record.path)
    names = shown.Names([result], ())
    (line,) = [each for each in notes.warnings(told, [result], names) if "saved" in each]
    assert line == "post: the network was not saved: a layer of it has no config"
    assert "Models:" not in summary.text(told, run.record.path, Screen(), verbose=False)


def test_a_folder_that_takes_no_network_leaves_the_record_whole(tmp_path: Path) -> None:
    run = session(tmp_path, _SAVES, "--save-models")
    with run:
        models(run.record.path).write_text("in the way", encoding="ascii")
        run.train(Row(EVERY["post"], CPU))
    (result,) = codec.read(run.record.path).results
    assert isinstance(result, Finished)
    assert result.saved is not None
    assert result.saved.why


def test_the_summary_says_where_the_networks_are(tmp_path: Path) -> None:
    run = session(tmp_path, _SAVES, "--save-models")
    trained(run, Row(EVERY["post"], CPU))
    told = summary.text(codec.read(run.record.path), run.record.path, Screen(), verbose=False)
    assert f"Models: {models(run.record.path)}" in told


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "is not there"),
        (b"{", "is no description"),
        (b'{"schema": 2}', "is no description"),
        (b"[" * 10_000, "is no description"),
        (b"\xff\xfe", "is no description"),
        (b" " * (1 << 21), "larger than"),
    ],
)
def test_what_is_no_description_is_refused_in_a_line(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "post-cpu.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=why) as refused:
        description.read(path)
    assert "\n" not in str(refused.value)


def test_fingerprints_are_of_the_pixels_and_a_file_without_them_is_refused(tmp_path: Path) -> None:
    x = SPLIT.x
    assert len(set(fingerprints.of(x).tolist())) == len(x)
    assert fingerprints.of(x[::-1]).tolist() == fingerprints.of(x).tolist()[::-1]
    objects: Any = np.array([{}], dtype=object)
    np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    np.save(tmp_path / "floats.npy", np.zeros(3))
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    for name in ("objects", "floats", "cut", "none"):
        with pytest.raises(DataError, match="cannot be read"):
            fingerprints.read(tmp_path / f"{name}.npy")


def test_an_older_record_is_still_read(tmp_path: Path) -> None:
    run = session(tmp_path, _SAVES, "--save-models")
    trained(run, Row(EVERY["post"], CPU))
    tree = json.loads(run.record.path.read_bytes())
    del tree["results"][0]["saved"]
    run.record.path.write_text(json.dumps(tree), encoding="utf-8")
    (result,) = codec.read(run.record.path).results
    assert isinstance(result, Finished)
    assert result.saved is None
