"""Which photographs show the same shot, which shots are tested on, and a picture's pixels."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from PIL import Image

from bench.datasets import particles, photographs
from bench.datasets.photographs import Photograph
from bench.errors import DataError

SIZE = (24, 32)  # height and width, unequal, so that a mix-up shows


# ---- what a shot is, and which side it goes to


def photograph(seconds: float, machine: str, taken: float, name: str = "") -> Photograph:
    return Photograph(seconds, machine, taken, Path(f"{seconds}/{taken}-{machine}{name}.png"))


def test_photographs_within_ten_minutes_of_the_one_before_are_one_shot() -> None:
    taken = [0.0, 600.0, 1200.0, 1801.0]
    grouped = photographs.group([photograph(30, "silvia", at) for at in reversed(taken)])
    assert [[one.taken for one in shot] for shot in grouped] == [[0, 600, 1200], [1801]]


def test_another_machine_or_another_pull_time_is_another_shot() -> None:
    same_time = [photograph(30, "silvia", 0), photograph(30, "rancilio", 0)]
    assert len(photographs.group([*same_time, photograph(31, "silvia", 0)])) == 3


PHOTOGRAPHS = st.builds(
    photograph,
    st.integers(5, 30).map(float),
    st.sampled_from(["silvia", "la-pavoni"]),
    st.integers(0, 5000).map(float),
    st.sampled_from(["", "b"]),
)


def prints_of(found: list[Photograph], copies: list[int]) -> dict[Path, bytes]:
    """Fingerprints, of which those with the same number in `copies` are the same."""
    own = {one.path: str(one.path).encode() for one in found}
    shared = {one.path: bytes([copy]) for one, copy in zip(found, copies, strict=False) if copy}
    return {**own, **shared}


@settings(max_examples=40)  # each is a hundred photographs
@given(
    st.lists(PHOTOGRAPHS, min_size=40, max_size=120, unique_by=lambda one: one.path),
    st.lists(st.integers(0, 8), max_size=12),
)
def test_no_shot_and_no_picture_is_ever_on_both_sides(
    found: list[Photograph], copies: list[int]
) -> None:
    together, prints = photographs.group(found), prints_of(found, copies)
    try:
        train, test = photographs.split(together, prints)
    except DataError:  # the copies left too few
        reject()
    assert sorted(train + test) == sorted(found)
    shot_of = {one.path: number for number, shot in enumerate(together) for one in shot}
    assert not {shot_of[one.path] for one in train} & {shot_of[one.path] for one in test}
    assert not {prints[one.path] for one in train} & {prints[one.path] for one in test}
    for side in (train, test):  # each shot in one piece
        numbers = [shot_of[one.path] for one in side]
        runs = 1 + sum(a != b for a, b in pairwise(numbers))
        assert runs == len(set(numbers))


@given(st.integers(photographs.FEWEST_SHOTS, 300))
def test_about_a_fifth_of_the_shots_is_tested_on_over_the_whole_range(count: int) -> None:
    found = [photograph(5 + number / 10, "silvia", 0) for number in range(count)]
    train, test = photographs.split(photographs.group(found), prints_of(found, []))
    assert abs(len(test) - count / 5) <= 1
    assert len(train) + len(test) == count
    tested = sorted(one.seconds for one in test)
    assert tested[0] < 5.5
    assert max(np.diff(tested), default=0) < 1


def test_a_chain_of_shots_that_share_pictures_stays_on_one_side() -> None:
    """A and B share one, B and C another: so A and C belong together too."""
    found = [photograph(5 + number, "silvia", 0) for number in range(20)]
    chained = [found[3], *(photograph(25, "silvia", at) for at in (0, 1)), found[11]]
    found += chained[1:3]
    prints = prints_of(found, [])
    prints[chained[0].path] = prints[chained[1].path]
    prints[chained[3].path] = prints[chained[2].path]
    train, test = photographs.split(photographs.group(found), prints)
    assert {one in train for one in chained} in ({True}, {False})
    assert len(train) + len(test) == 22


# ---- from a picture to pixels


def test_a_photograph_is_turned_upright_as_its_camera_says(tmp_path: Path) -> None:
    upright = Image.new("RGB", (32, 24), "white")
    upright.paste("black", (0, 0, 32, 6))  # the top
    sideways = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn by 90 degrees clockwise to show
    sideways.save(tmp_path / "turned.png", exif=exif)
    upright.save(tmp_path / "upright.png")
    turned = photographs.read(tmp_path / "turned.png", SIZE)
    assert np.array_equal(turned, photographs.read(tmp_path / "upright.png", SIZE))
    assert turned[0].mean() < turned[-1].mean()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_a_picture_of_another_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (64, 48), "white").convert(mode).save(tmp_path / "a.png")
    pixels = photographs.read(tmp_path / "a.png", SIZE)
    assert pixels.shape == (*SIZE, 3)
    assert (pixels == 255).all()


def test_drawn_and_brought_pictures_are_resized_by_the_same_function(tmp_path: Path) -> None:
    drawn = particles.draw_photograph(np.random.default_rng(0), 30.0)
    drawn.save(tmp_path / "a.png")
    assert np.array_equal(
        photographs.read(tmp_path / "a.png", (255, 255)), photographs.squash(drawn, (255, 255))
    )


def test_the_whole_frame_is_squashed_and_nothing_is_cut_off() -> None:
    frame = Image.new("RGB", (640, 480), "white")
    frame.paste("black", (0, 0, 320, 480))
    pixels = photographs.squash(frame, (255, 255))
    assert pixels.shape == (255, 255, 3)
    assert (pixels[:, :125] == 0).all()
    assert (pixels[:, 130:] == 255).all()


@given(st.binary(max_size=20), st.integers(0, 3000), st.sampled_from([".png", ".jpg"]))
def test_a_picture_damaged_anywhere_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, at: int, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    Image.effect_noise((32, 24), 50).convert("RGB").save(path)
    content = path.read_bytes()
    path.write_bytes(content[:at] + garbage + content[at + len(garbage) :])
    try:
        assert photographs.read(path, SIZE).shape == (*SIZE, 3)
    except DataError as error:
        if str(path) not in str(error):
            raise
