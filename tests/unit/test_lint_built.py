"""What the worker says of a built model and its data, and how `lint --run` passes it on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.worker import traps
from tests.support import fake_worker

_FILE = """\
import keras

def model():
    return keras.Sequential([keras.layers.Dense(10)])

def data():
    return None, None
"""


def pictures(count: int, *shape: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype("float32")


@pytest.mark.parametrize("turn", range(1, 8))
def test_a_picture_that_is_turned_or_mirrored_is_known_again(turn: int) -> None:
    learned, judged = pictures(50, 8, 8, 1), pictures(10, 8, 8, 1, seed=2)
    other = np.fliplr(learned[7]) if turn > 3 else learned[7]
    judged[3] = np.rot90(other, turn % 4)
    ((rule, what),) = traps.shared(learned, judged)
    assert rule == "copies-across"
    assert what.startswith("1 of 10 validation examples are in the training data, 1 of them turned")


def test_of_pictures_that_are_no_square_those_of_the_same_shape_are_compared() -> None:
    learned, judged = pictures(50, 6, 8, 3), pictures(4, 6, 8, 3, seed=2)
    assert list(traps.shared(learned, judged)) == []
    judged[0], judged[1] = learned[0][::-1], learned[1][::-1, ::-1]
    ((_, what),) = traps.shared(learned, judged)
    assert what.startswith("2 of 4 validation examples are in the training data, 2 of them turned")


def test_the_training_data_that_judge_are_called_so() -> None:
    learned = pictures(50, 8, 8, 1)
    ((rule, what),) = traps.shared(learned, learned[:20])
    assert (rule, what) == ("training-score", "all 20 validation examples are training examples")


def test_what_is_alike_by_nature_is_no_copy() -> None:
    blank = np.zeros((20, 8, 8, 1), "float32")
    assert list(traps.shared(blank, blank[:5])) == []
    rows = np.zeros((20, 4))
    rows[:, 0] = 1
    assert list(traps.shared(rows, rows[:5])) == []
    one = pictures(300, 8, 8, 1, seed=3)
    one[0] = pictures(1, 8, 8, 1)[0]
    assert list(traps.shared(pictures(50, 8, 8, 1), one)) == [], "1 of 300 is fewer than 1 of 100"


def layer(kind: str, *, weights: bool = True) -> Any:
    return type(kind, (), {"name": kind.lower(), "weights": [1] * weights})()


@pytest.mark.parametrize(
    ("kinds", "scale", "found"),
    [
        (["Flatten", "Dense"], 1, True),
        (["Flatten", "Dense"], 1 / 255, False),
        (["Rescaling", "Conv2D"], 1, False),
        (["Embedding"], 1, False),
    ],
)
def test_pixels_that_are_not_scaled_are_seen(kinds: list[str], scale: float, found: bool) -> None:
    layers = [layer(kind, weights=kind not in ("Flatten", "Rescaling")) for kind in kinds]
    model = type("Sequential", (), {"layers": layers})()
    assert bool([*traps.unscaled(model, pictures(5, 8, 8, 1) * scale)]) == found
    own = type("Mine", (), {"layers": layers})()
    assert [*traps.unscaled(own, pictures(5, 8, 8, 1))] == []


_TELLS = """
begin()
assert job["purpose"] == "traps"
say("fault", what="3 of 9 validation examples are in the training data", rule="copies-across",
    of="data")
say("done")
wait_for_ever()
"""


def lint(folder: Path, worker: str, file: Path, *options: str) -> int:
    python = fake_worker.write(folder, worker)
    where = ("--device=cpu", "--plan=/none.json", f"--worker-python={python}")
    dirs = (f"--results-dir={folder}", f"--cache-dir={folder}")
    return main(["lint", str(file), *where, *dirs, *options])


def test_what_the_worker_finds_stands_at_the_function(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(_FILE)
    assert lint(tmp_path, _TELLS, file, "--run") == 1
    assert capsys.readouterr().out.startswith(f"{file}:6: copies-across (certain): 3 of 9 ")
    assert lint(tmp_path, "raise SystemExit(1)", file) == 0, "without --run nothing is run"


def test_a_script_that_is_no_workload_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import keras\n")
    assert lint(tmp_path, "raise SystemExit(1)", file, "--run") == 2
    assert "has no function model()" in capsys.readouterr().err
