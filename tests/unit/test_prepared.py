from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import digits, mnist_like
from bench.datasets.data_folder import look
from bench.datasets.dataset import Split
from bench.datasets.prepared import Store
from bench.errors import DataError
from bench.workloads import EVERY, WORKLOADS
from tests.support.digit_sets import LAYOUTS, Digits, put

MLP = WORKLOADS["mlp"]


def _few_digits() -> tuple[Split, Split]:
    x, y = np.arange(60 * 28 * 28, dtype=np.uint8).reshape(60, 28, 28, 1), np.arange(60) % 10
    return Split(x[:40], y[:40]), Split(x[40:], y[40:])


@pytest.mark.parametrize("synthetic", [True, False])
def test_a_workload_finds_its_arrays_on_the_disk_cut_to_its_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synthetic: bool
) -> None:
    monkeypatch.setattr(digits, "draw", _few_digits)
    monkeypatch.setenv("GRINDSTONE_MNIST_URL", "")
    store = Store(tmp_path / "laid", None, tmp_path / "cache", synthetic=synthetic)
    schedule = type(MLP.schedules["smoke"])(epochs=3, train=12, test=7)
    made = store.prepare(MLP, schedule)
    assert made.dataset.kind == "synthetic"
    train, _ = _few_digits()
    assert (np.load(made.files["train"]["x"]) == train.x[:12]).all()
    assert np.load(made.files["test"]["y"]).tolist() == [y % 10 for y in range(40, 47)]
    assert store.prepare(WORKLOADS["convnet"], schedule) is made
    assert store.prepare(MLP, MLP.schedules["full"]).sha256 != made.sha256


def test_what_a_person_brought_is_read_before_anything_is_trained_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "own", LAYOUTS["npz"](Digits.drawn(classes=26)))
    store = Store(tmp_path / "laid", look(tmp_path / "own"), tmp_path / "cache", name="letters")
    store.check([MLP, WORKLOADS["post"]])
    monkeypatch.setattr(mnist_like, "load", lambda *_: pytest.fail("read again"))
    made = store.prepare(MLP, MLP.schedules["full"]).dataset
    assert (made.name, made.classes, made.kind) == ("letters", 26, "real")
    assert not (tmp_path / "cache").exists(), "the other network's data are not its own"


@pytest.mark.parametrize("name", ["post", "post_files_data_dir"])
def test_a_folder_that_nothing_chosen_trains_on_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path / "own", LAYOUTS["npz"](Digits.drawn()))
    store = Store(tmp_path / "laid", look(tmp_path / "own"), tmp_path / "cache")
    with pytest.raises(DataError, match="--data-dir") as refused:
        store.check([EVERY[name]])
    told = "nothing that is chosen here trains on it" if name == "post" else "there are none: name"
    assert told in str(refused.value)


def test_a_disk_too_small_for_the_arrays_is_told_in_one_line_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_disk: Callable[[int], Path]
) -> None:
    monkeypatch.setattr(digits, "draw", _few_digits)
    disk = tiny_disk(16)
    store = Store(disk / "laid", None, tmp_path / "cache", synthetic=True)
    for _ in range(2):  # as for two workloads on the same data
        with pytest.raises(DataError) as failed:
            store.prepare(MLP, MLP.schedules["full"])
        message = str(failed.value)
        assert "the mnist arrays cannot be laid out in" in message
        assert ": not all of them could be written; make room there" in message
        assert "TMPDIR" in message
        assert "\n" not in message
    assert not list(disk.rglob("*.npy"))
