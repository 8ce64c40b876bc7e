"""MNIST as it is downloaded and kept, and the digits that are drawn where it is not."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.datasets import mnist
from bench.datasets.data_folder import look
from bench.errors import DataError
from tests.support.mnist_files import (
    DRAWN,
    NAMES,
    REAL,
    must_be_drawn,
    must_be_mnist,
    needs_mnist,
    replace,
)

DRAWN_SHA256 = "829c4b01"
"""How the fingerprint of the whole drawn data set begins: floors hang on it."""


@needs_mnist
def test_a_download_is_kept_and_the_next_run_needs_no_network(mirror: str, cache_dir: Path) -> None:
    first = mnist.load(None, cache_dir, mirrors=[mirror])
    must_be_mnist(first)
    assert first.source == "download"
    assert first.note == f"MNIST downloaded from {mirror}/; no --data-dir"

    kept = cache_dir / "mnist"
    assert {path.name for path in kept.iterdir()} == {*NAMES, DRAWN}
    assert all((kept / name).read_bytes() == (REAL / name).read_bytes() for name in NAMES)

    second = mnist.load(None, cache_dir, mirrors=[])
    must_be_mnist(second)
    assert second.source == "cache"
    assert second.note == f"MNIST from {kept}, downloaded before; no --data-dir"
    assert second.sha256() == first.sha256()


@needs_mnist
def test_the_environment_names_another_mirror(
    mirror: str, cache_dir: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(mnist.MIRROR_VARIABLE, mirror)
    dataset = mnist.load(look(photographs), cache_dir)
    must_be_mnist(dataset)
    assert dataset.note == f"MNIST downloaded from {mirror}/; no MNIST files in {photographs}"


def test_drawn_digits_may_be_asked_for(cache_dir: Path) -> None:
    dataset = mnist.drawn(cache_dir)
    assert (dataset.source, len(dataset.train), len(dataset.test)) == ("synthetic", 100, 50)
    assert dataset.note == "synthetic digits: real ones were not asked for"


def test_the_environment_switches_the_download_off(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(mnist.MIRROR_VARIABLE, "")
    dataset = mnist.load(None, cache_dir)
    must_be_drawn(dataset)
    assert dataset.note == "synthetic digits: no download (switched off), and no --data-dir"


@needs_mnist
def test_a_download_that_is_not_mnist_is_refused_and_not_kept(
    mirror: str, cache_dir: Path, tmp_path: Path
) -> None:
    replace(tmp_path / "mirror", NAMES[3], b"<html>Please log in to this network")
    with pytest.raises(DataError, match=r"does not have the published SHA-256 .* --data-dir$"):
        mnist.load(None, cache_dir, mirrors=[mirror])
    assert {path.name for path in (cache_dir / "mnist").iterdir()} == {DRAWN}


@needs_mnist
def test_a_damaged_file_in_the_cache_is_downloaded_again(mirror: str, cache_dir: Path) -> None:
    mnist.load(None, cache_dir, mirrors=[mirror])
    os.truncate(cache_dir / "mnist" / NAMES[0], 5000)
    offline = mnist.load(None, cache_dir, mirrors=[])
    must_be_drawn(offline)
    assert f"; MNIST's files in {cache_dir}/mnist cannot be used: " in offline.note
    assert mnist.load(None, cache_dir, mirrors=[mirror]).source == "download"
    assert mnist.load(None, cache_dir, mirrors=[]).source == "cache"


@needs_mnist
def test_a_mirror_that_lacks_a_file_gives_way_to_drawn_digits(
    mirror: str, cache_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "mirror" / NAMES[2]).unlink()
    dataset = mnist.load(None, cache_dir, mirrors=[mirror])
    must_be_drawn(dataset)
    assert "(127.0.0.1: answered 404)" in dataset.note
    assert {path.name for path in (cache_dir / "mnist").iterdir()} == {DRAWN}


# ---- drawn digits


def test_drawn_digits_are_the_ones_that_the_floors_were_set_from(tmp_path: Path) -> None:
    dataset = mnist.load(None, tmp_path, mirrors=[])
    must_be_drawn(dataset, 60_000, 10_000)
    assert dataset.baselines == {"most_frequent_class_accuracy": 0.1}
    assert dataset.sha256().startswith(DRAWN_SHA256)


def test_drawn_digits_are_drawn_once_and_again_where_their_file_is_damaged(
    cache_dir: Path, few: Counter[str]
) -> None:
    mnist.load(None, cache_dir, mirrors=[])
    assert not few, "the cache already has them"
    path = cache_dir / "mnist" / DRAWN
    os.truncate(path, path.stat().st_size // 2)
    must_be_drawn(mnist.load(None, cache_dir, mirrors=[]))
    must_be_drawn(mnist.load(None, cache_dir, mirrors=[]))
    assert few == Counter(drawn=1)


@pytest.mark.usefixtures("few")
def test_a_cache_that_is_full_keeps_nothing_and_the_digits_are_drawn(
    tiny_disk: Callable[[int], Path],
) -> None:
    full = tiny_disk(64)
    drawn = mnist.load(None, full, mirrors=[])
    must_be_drawn(drawn)
    assert "No space left on device" in drawn.note
    assert drawn.note.endswith(", so nothing is kept")
    assert [path for path in full.rglob("*") if path.is_file()] == []


@needs_mnist
def test_a_download_for_which_the_cache_has_no_room_is_trained_on(
    tiny_disk: Callable[[int], Path], mirror: str
) -> None:
    full = tiny_disk(2048)  # the labels would fit
    loaded = mnist.load(None, full, mirrors=[mirror])
    must_be_mnist(loaded)
    assert loaded.source == "download"
    assert loaded.note.endswith(", so nothing is kept")
    assert [path for path in full.rglob("*") if path.is_file()] == []


@needs_mnist
@pytest.mark.usefixtures("few")
def test_without_a_cache_it_goes_on_and_the_note_says_so(tmp_path: Path, mirror: str) -> None:
    (tmp_path / "cache").touch()
    drawn = mnist.load(None, tmp_path / "cache", mirrors=[])
    must_be_drawn(drawn)
    assert "/cache is no folder, so nothing is kept" in drawn.note
    loaded = mnist.load(None, tmp_path / "cache", mirrors=[mirror])
    must_be_mnist(loaded)
    assert "so nothing is kept" in loaded.note
