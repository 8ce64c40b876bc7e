import gzip
import os
import re
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import digits, mnist
from bench.datasets.data_folder import look
from bench.datasets.dataset import Dataset, Split
from bench.errors import DataError

REAL = Path(__file__).parents[3] / "shared" / "data" / "mnist"
NAMES = [file.gzip_name for file in mnist.PUBLISHED]
DRAWN = "drawn-digits-v1.npz"

DRAWN_SHA256 = "829c4b01"
"""How the fingerprint of the whole drawn data set begins: floors hang on it."""

needs_mnist = pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not in {REAL}")


@pytest.fixture(scope="session")
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds drawn digits and nothing else."""
    cache_dir = tmp_path_factory.mktemp("drawn")
    mnist.load(None, cache_dir, mirrors=[])
    return cache_dir


@pytest.fixture
def cache_dir(drawn_once: Path, tmp_path: Path) -> Path:
    """A cache of this test's own, with the digits drawn already."""
    kept = tmp_path / "cache" / "mnist"
    kept.mkdir(parents=True)
    os.link(drawn_once / "mnist" / DRAWN, kept / DRAWN)
    return tmp_path / "cache"


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A data directory with MNIST's four files, to be spoilt."""
    folder = tmp_path / "brought"
    folder.mkdir()
    for name in NAMES:
        (folder / name).symlink_to(REAL / name)
    return folder


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A data directory that has something else in it."""
    (tmp_path / "photographs" / "31").mkdir(parents=True)
    (tmp_path / "photographs" / "31" / "1606089600-silvia.png").touch()
    return tmp_path / "photographs"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mirror on loopback, which serves what is in `tmp_path / "mirror"`: MNIST, at first."""
    monkeypatch.setenv("NO_PROXY", "*")
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name in NAMES:
        (folder / name).symlink_to(REAL / name)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def must_be_mnist(dataset: Dataset) -> None:
    """Shapes, types and the statistics that are known of MNIST."""
    assert dataset.name == "mnist"
    assert dataset.kind == "real"
    assert dataset.train.x.shape == (60_000, 28, 28, 1)
    assert dataset.test.x.shape == (10_000, 28, 28, 1)
    assert dataset.train.x.dtype == dataset.test.x.dtype == np.uint8
    assert dataset.train.y.dtype == dataset.test.y.dtype == np.int64
    assert dataset.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert dataset.train.x.mean() / 255 == pytest.approx(0.13066, abs=1e-5)
    assert dataset.baselines == {"most_frequent_class_accuracy": 0.1135}


def must_be_drawn(dataset: Dataset) -> None:
    assert (dataset.source, dataset.kind) == ("synthetic", "synthetic")
    assert dataset.train.x.shape == (60_000, 28, 28, 1)
    assert dataset.test.x.shape == (10_000, 28, 28, 1)
    assert dataset.note.startswith("synthetic digits: no download (")


def unpacked(name: str) -> bytes:
    return gzip.decompress((REAL / name).read_bytes())


def replace(folder: Path, name: str, content: bytes) -> None:
    (folder / name).unlink()
    (folder / name).write_bytes(content)


# ---- files that a person brings


@needs_mnist
@pytest.mark.parametrize("inner", ["", "mnist", "MNIST/raw"])
def test_files_in_the_data_directory_or_in_its_mnist_folder_are_used(
    inner: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / inner
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).symlink_to(REAL / name)
    dataset = mnist.load(look(tmp_path / "data"), tmp_path / "cache", mirrors=[])
    must_be_mnist(dataset)
    assert (dataset.source, dataset.note) == ("files", f"MNIST from {folder} (IDX files)")
    assert not (tmp_path / "cache").exists()


@needs_mnist
@pytest.mark.parametrize("rename", [str, lambda name: name.replace("-idx", ".idx")])
def test_unpacked_files_are_used_under_both_of_their_names(
    rename: Callable[[str], str], tmp_path: Path
) -> None:
    for name in NAMES:
        (tmp_path / rename(name.removesuffix(".gz"))).write_bytes(unpacked(name))
    must_be_mnist(mnist.load(look(tmp_path), tmp_path / "cache", mirrors=[]))


@needs_mnist
def test_a_whole_set_of_files_is_preferred_to_part_of_one(brought: Path) -> None:
    shutil.copytree(brought, brought / "mnist")
    (brought / NAMES[0]).unlink()
    assert mnist.load(look(brought), brought / "cache", mirrors=[]).note.startswith(
        f"MNIST from {brought}/mnist "
    )


def labels(values: bytes) -> bytes:
    return struct.pack(">2I", 0x801, len(values)) + values


def a_label_too_few(folder: Path) -> None:
    replace(folder, NAMES[1], labels(unpacked(NAMES[1])[8:-1]))


def another_label_file(folder: Path) -> None:
    replace(folder, NAMES[1], unpacked(NAMES[3]))


def train_and_test_swapped(folder: Path) -> None:
    for train, test in ((NAMES[0], NAMES[2]), (NAMES[1], NAMES[3])):
        replace(folder, train, unpacked(test))


def images_and_labels_swapped(folder: Path) -> None:
    replace(folder, NAMES[2], unpacked(NAMES[3]))
    replace(folder, NAMES[3], unpacked(NAMES[2]))


def a_label_of_ten(folder: Path) -> None:
    replace(folder, NAMES[3], labels(unpacked(NAMES[3])[8:-1] + b"\x0a"))


def another_image_size(folder: Path) -> None:
    content = unpacked(NAMES[2])
    replace(folder, NAMES[2], content[:8] + struct.pack(">2I", 14, 56) + content[16:])


def another_format(folder: Path) -> None:
    replace(folder, NAMES[2], b"PK\x03\x04" + bytes(100))


def cut_short(folder: Path) -> None:
    replace(folder, NAMES[2], unpacked(NAMES[2])[:-1])


def cut_short_gzip(folder: Path) -> None:
    replace(folder, NAMES[2], (REAL / NAMES[2]).read_bytes()[:-100])


def a_damaged_gzip(folder: Path) -> None:
    content = bytearray((REAL / NAMES[2]).read_bytes())
    content[-6] ^= 0x10
    replace(folder, NAMES[2], bytes(content))


def bytes_behind_the_end(folder: Path) -> None:
    replace(folder, NAMES[3], unpacked(NAMES[3]) + b"abc")


def an_empty_file(folder: Path) -> None:
    replace(folder, NAMES[0], b"")


def a_single_other_pixel(folder: Path) -> None:
    content = bytearray(unpacked(NAMES[2]))
    content[5000] ^= 1
    replace(folder, NAMES[2], gzip.compress(bytes(content), 1))


def two_files_missing(folder: Path) -> None:
    (folder / NAMES[1]).unlink()
    (folder / NAMES[2]).unlink()


@needs_mnist
@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (a_label_too_few, "train-labels-idx1-ubyte.gz holds 59999 labels for 60000 images"),
        (another_label_file, "train-labels-idx1-ubyte.gz holds 10000 labels for 60000 images"),
        (train_and_test_swapped, "holds 10000 + 10000 images in place of 60000 + 10000"),
        (images_and_labels_swapped, "holds labels, so are the image and the label file swapped?"),
        (a_label_of_ten, "holds labels from 0 to 10, where digits run from 0 to 9"),
        (another_image_size, "holds images of 14x56 pixels in place of 28x28"),
        (another_format, "t10k-images-idx3-ubyte.gz is a ZIP archive: unpack it"),
        (cut_short, "t10k-images-idx3-ubyte.gz is cut short: 7840015 of 7840016 bytes"),
        (cut_short_gzip, "t10k-images-idx3-ubyte.gz is cut short: its gzip stream does not end"),
        (a_damaged_gzip, "t10k-images-idx3-ubyte.gz is damaged: CRC check failed"),
        (bytes_behind_the_end, "t10k-labels-idx1-ubyte.gz holds 3 bytes behind its last entry"),
        (an_empty_file, "train-images-idx3-ubyte.gz is cut short: 0 bytes"),
        (a_single_other_pixel, "holds other images or labels than the published ones"),
        (two_files_missing, f"lacks {NAMES[1]}, {NAMES[2]} of the four files"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_in_brought_files_is_one_line_that_says_what_to_do(
    spoil: Callable[[Path], None], sentence: str, brought: Path
) -> None:
    spoil(brought)
    with pytest.raises(DataError, match=re.escape(sentence)) as caught:
        mnist.load(look(brought), brought / "cache", mirrors=[])
    line = str(caught.value)
    assert str(brought) in line
    assert line.endswith("or leave --data-dir out to have them downloaded")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path, "cannot be read: No such file or directory"),
        (Path.touch, "is a file: name its folder, {parent}"),
        (Path.mkdir, "is empty"),
    ],
    ids=["missing", "a file", "empty"],
)
def test_a_data_directory_that_holds_nothing_is_refused(
    make: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    make(folder)
    said = sentence.format(parent=tmp_path)
    assert str(look(folder).refusal).startswith(f"{folder} {said}; expected pictures by class")


def test_a_data_directory_of_photographs_is_passed_over_and_the_note_says_so(
    photographs: Path, cache_dir: Path
) -> None:
    dataset = mnist.load(look(photographs), cache_dir, mirrors=[])
    must_be_drawn(dataset)
    assert dataset.note.endswith(f", and no MNIST files in {photographs}")


# ---- downloads


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
    assert (dataset.source, len(dataset.train), len(dataset.test)) == ("synthetic", 60_000, 10_000)
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


def test_drawn_digits_are_the_ones_that_the_floors_were_set_from(drawn_once: Path) -> None:
    dataset = mnist.load(None, drawn_once, mirrors=[])
    must_be_drawn(dataset)
    assert dataset.baselines == {"most_frequent_class_accuracy": 0.1}
    assert dataset.sha256().startswith(DRAWN_SHA256)


def test_drawn_digits_are_drawn_once_and_again_where_their_file_is_damaged(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, drawings = digits.draw(100, 50), []

    def draw() -> tuple[Split, Split]:
        drawings.append(small)
        return small

    monkeypatch.setattr(digits, "draw", draw)

    mnist.load(None, cache_dir, mirrors=[])
    assert not drawings, "the cache already has them"

    path = cache_dir / "mnist" / DRAWN
    content = path.read_bytes()
    path.unlink()  # a hard link to the session's digits
    path.write_bytes(content[: len(content) // 2])
    assert len(mnist.load(None, cache_dir, mirrors=[]).train) == 100
    assert len(mnist.load(None, cache_dir, mirrors=[]).train) == 100
    assert len(drawings) == 1


def test_a_cache_that_is_full_keeps_nothing_and_the_digits_are_drawn(
    tiny_disk: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = digits.draw(100, 50)
    monkeypatch.setattr(digits, "draw", lambda: small)
    full = tiny_disk(64)
    drawn = mnist.load(None, full, mirrors=[])
    assert (drawn.source, len(drawn.train)) == ("synthetic", 100)
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
def test_without_a_cache_it_goes_on_and_the_note_says_so(
    tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = digits.draw(100, 50)
    monkeypatch.setattr(digits, "draw", lambda: small)
    (tmp_path / "cache").touch()
    drawn = mnist.load(None, tmp_path / "cache", mirrors=[])
    assert (drawn.source, len(drawn.train)) == ("synthetic", 100)
    assert "/cache is no folder, so nothing is kept" in drawn.note
    loaded = mnist.load(None, tmp_path / "cache", mirrors=[mirror])
    must_be_mnist(loaded)
    assert "so nothing is kept" in loaded.note
