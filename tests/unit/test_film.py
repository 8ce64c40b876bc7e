"""Films of what a network saw: joined whole from frames, with a strip, and on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from bench.errors import CacheError
from bench.page.write import page
from bench.record.artifacts import Film
from bench.record.repeats import ALONE
from bench.record.variant import Variant
from bench.runner import film
from bench.runner.row import Row
from bench.worker.watching import FRAMES, Watch
from bench.workloads import EVERY
from tests.support.records import CPU, record, result

CIRCLES = EVERY["circles"]
STEPS = (0, 3, 6, 9)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Four frames of an output that grows lighter."""
    folder = tmp_path / "frames"
    folder.mkdir()
    draw = np.random.default_rng(4)
    for step in STEPS:
        np.savez(
            folder / f"{step:08}.npz",
            input=np.full((100, 150, 1), 0.5, "float32"),
            output=np.full((100, 150, 1), step / 10, "float32"),
            weights=draw.random((7, 7, 32), "float32"),
            features_1=draw.random((100, 150, 32), "float32"),
            features_4=np.full((100, 150, 8), np.nan, "float32"),
        )
    return folder


@pytest.mark.filterwarnings("error")  # features that are no number are drawn without a word
def test_every_frame_is_in_the_film_and_its_outputs_in_the_strip(
    frames: Path, tmp_path: Path
) -> None:
    made = film.join(frames, tmp_path / "film.gif", CIRCLES.watched)
    assert made == Film(file="film.gif", steps=STEPS)
    with Image.open(tmp_path / "film.gif") as opened:
        assert (opened.n_frames, opened.width, opened.info["loop"]) == (4, film.WIDTH, 0)
    strip, chosen = film.strip(tmp_path / "film.gif")
    assert chosen == [0, 1, 2, 3]
    width = strip.width // 4
    lightness = np.asarray(strip)[20, 40::width].tolist()
    assert lightness == sorted(lightness)
    assert lightness[0] < 10 < 200 < lightness[3]


def test_a_network_that_has_fewer_layers_is_shown_with_those(frames: Path, tmp_path: Path) -> None:
    made = film.join(frames, tmp_path / "film.gif", ("features_1", "features_9"))
    assert made is not None


def test_no_frames_are_no_film_and_a_folder_that_takes_none_leaves_nothing(
    frames: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert film.join(tmp_path / "empty", tmp_path / "film.gif", ()) is None
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    with pytest.raises(CacheError):
        film.join(frames, tmp_path / "file" / "film.gif", ())
    row = Row(CIRCLES, CPU)
    assert film.of(row, ALONE, tmp_path / "file" / "run.json", str(frames)) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "frames"]


def test_a_film_is_named_after_its_record_and_its_row(frames: Path, tmp_path: Path) -> None:
    made = film.of(
        Row(CIRCLES, CPU, "stock", Variant(batch=4)), ALONE, tmp_path / "run.json", str(frames)
    )
    assert made is not None
    assert made.file == "run-circles-cpu-batch_4.gif"
    assert (tmp_path / made.file).is_file()


def test_only_what_has_layers_to_watch_is_watched_and_only_where_fit_trains(tmp_path: Path) -> None:
    assert film.folder(Row(EVERY["mlp"], CPU), tmp_path) == ""
    assert film.folder(Row(CIRCLES, CPU, "tuned"), tmp_path) == ""
    assert Path(film.folder(Row(CIRCLES, CPU), tmp_path)).parent == tmp_path


@pytest.mark.parametrize(("steps", "every"), [(6, 1), (40, 1), (80, 2), (1280, 32)])
def test_a_film_has_about_as_many_frames_however_long_the_training(steps: int, every: int) -> None:
    watch = Watch("", steps, None, ())
    assert watch.every == every
    assert steps // every <= 2 * FRAMES


def test_the_page_holds_the_film_and_a_strip_and_does_without_a_lost_one(
    frames: Path, tmp_path: Path
) -> None:
    made = film.join(frames, tmp_path / "film.gif", CIRCLES.watched)
    told = record([replace(result("circles"), film=made)])
    shown = page([(told, tmp_path / "run.json")])
    assert shown.count('src="data:image/gif;base64,') == 1
    assert shown.count('src="data:image/png;base64,') == 1
    assert "The output after 0, 3, 6, 9 steps." in shown
    (tmp_path / "film.gif").write_bytes(b"GIF89a, cut")
    assert "data:image" not in page([(told, tmp_path / "run.json")])
    (tmp_path / "film.gif").unlink()
    assert "data:image" not in page([(told, tmp_path / "run.json")])


def test_a_record_that_names_a_file_elsewhere_has_the_one_beside_it_or_none(
    frames: Path, tmp_path: Path
) -> None:
    film.join(frames, tmp_path / "secret.gif", ())
    (tmp_path / "inner").mkdir()
    named = Film(file="../secret.gif", steps=STEPS)
    told = record([replace(result("circles"), film=named)])
    assert "data:image" not in page([(told, tmp_path / "inner" / "run.json")])
