"""What is found in a folder that a person names, whatever way its files are laid out."""

from __future__ import annotations

import gzip
import hashlib
import os
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.datasets import grind, known_sets, mnist, mnist_like
from bench.datasets.data_folder import look
from bench.errors import DataError
from tests.support import digit_sets
from tests.support.data_folders import MADE, must_be, refusal
from tests.support.digit_sets import LAYOUTS, NAMES, Digits, put

REAL = Path(__file__).parents[3] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not in {REAL}")

# A folder of each example's own lies below the test's.
in_one_folder = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_set_is_read_alike_from_every_layout_and_not_taken_for_mnist(
    layout: str, tmp_path: Path
) -> None:
    put(tmp_path / "data", LAYOUTS[layout](MADE))
    dataset = mnist_like.load(look(tmp_path / "data"), "own")
    must_be(dataset, MADE)
    assert (dataset.name, dataset.kind, dataset.classes) == ("own", "real", 10)
    assert dataset.note.startswith(f"own, 10 classes, from {tmp_path}/data")
    line = refusal(tmp_path / "data")
    assert "holds 260 + 40 images in place of 60000 + 10000" in line
    assert "--dataset NAME" in line


def test_a_table_for_validation_is_left_out_where_one_is_to_test_on(tmp_path: Path) -> None:
    halves = LAYOUTS["tables without a head"](MADE)
    train, test = halves["own-train.csv"], halves["own-test.csv"]
    put(tmp_path, {"train.csv": train, "val.csv": train, "test.csv": test, "interval.csv": b"1,2"})
    must_be(mnist_like.load(look(tmp_path), "own"), MADE)


@in_one_folder
@given(
    folders=st.lists(st.sampled_from(["data", "MNIST", "raw", "my digits", "новые"]), max_size=3),
    separator=st.sampled_from(["-", "_", ".", " "]),
    split=st.sampled_from([("train", "t10k"), ("training", "testing"), ("Train", "Test")]),
    idx=st.booleans(),
    packed=st.lists(st.booleans(), min_size=4, max_size=4),
    suffixed=st.lists(st.booleans(), min_size=4, max_size=4),
    own_folder=st.booleans(),
)
def test_idx_files_are_found_by_any_name_that_people_give_them(
    tmp_path_factory: pytest.TempPathFactory,
    folders: list[str],
    separator: str,
    split: tuple[str, str],
    idx: bool,
    packed: list[bool],
    suffixed: list[bool],
    own_folder: bool,
) -> None:
    files = {}
    for number, data in enumerate(MADE.idx()):
        part, kind = ("labels", "idx1") if number % 2 else ("images", "idx3")
        name = separator.join([split[number // 2], part, *([kind, "ubyte"] if idx else [])])
        name += ".gz" * suffixed[number]
        path = "/".join([*folders, *([name] if own_folder else []), name])
        files[path] = gzip.compress(data, 1) if packed[number] else data
    folder = put(tmp_path_factory.mktemp("named"), files)
    must_be(mnist_like.load(look(folder), "own"), MADE)


MEANT = "mnist.npz mnist_train.csv mnist_test.csv train.csv own-train-imgs.npz 7.png IMG_1.heic"
NAMES_OF_ANYTHING = st.sampled_from(
    [*NAMES, *(f"{name}.gz" for name in NAMES), *MEANT.split(), "1606089600-silvia.png"]
) | st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
BYTES_OF_ANYTHING = st.binary(max_size=40) | st.sampled_from(
    [
        *(b"\0\0\x08\x03", b"\0\0\x08\x01\0\0\0\x01\x05", b"PK\x03\x04", b"\x1f\x8b\x08"),
        *(b"label,1\n3,4", b"<!DOCTYPE html><title>\x1b[31m", b"version https://git-lfs"),
        b"\x89PNG\r\n\x1a\n",
    ]
)
FOLDERS_OF_ANYTHING = st.sampled_from(["", "7", "28", "grind", "train", "test", "raw"])


@in_one_folder
@given(
    st.dictionaries(
        st.tuples(FOLDERS_OF_ANYTHING, NAMES_OF_ANYTHING), BYTES_OF_ANYTHING, max_size=8
    )
)
def test_a_folder_of_anything_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, str], bytes]
) -> None:
    folder = tmp_path_factory.mktemp("anything")
    for (inner, name), data in files.items():
        path = folder / inner / name[:60].replace("..", "-")
        with suppress(FileExistsError):  # a file may have the folder's name
            path.parent.mkdir()
        if not path.is_dir() and path.parent.is_dir() and len(path.name.encode()) < 250:
            path.write_bytes(data)
    brought = look(folder)
    if brought.shots:  # never ten
        with pytest.raises(DataError) as caught:
            grind.load(brought, folder / "cache", (8, 8))
        assert str(caught.value).isprintable()
    else:
        refusal(folder)


# ---- other sets, by their names and by their content


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("FashionMNIST/raw", "fashion-mnist"),
        ("fashion-mnist", "fashion-mnist"),
        ("KMNIST/raw", "kmnist"),
        ("Kuzushiji-49", "k49"),
        ("QMNIST/raw", "qmnist"),
        ("notMNIST_small", "notmnist"),
    ],
)
def test_a_set_whose_folder_names_it_is_refused_as_mnist_and_trained_as_itself(
    folder: str, name: str, tmp_path: Path
) -> None:
    put(tmp_path / "data" / folder, LAYOUTS["published"](MADE))
    line = refusal(tmp_path / "data")
    assert f"holds {known_sets.title(name)}, not MNIST: --dataset {name} trains on it" in line
    dataset = mnist_like.load(look(tmp_path / "data"), name)
    assert dataset.name == name
    must_be(dataset, MADE)


def test_images_on_both_sides_of_a_split_are_counted(tmp_path: Path) -> None:
    put(tmp_path / "fashion-mnist", LAYOUTS["published"](MADE))
    assert "training images, too" not in mnist_like.load(look(tmp_path), "fashion-mnist").note
    leaky = Digits.drawn()
    leaky.x_test[:3] = leaky.x_train[:3]
    put(tmp_path / "fashion-mnist", LAYOUTS["published"](leaky))
    note = mnist_like.load(look(tmp_path), "fashion-mnist").note
    assert f"; 3 of {len(leaky.x_test):,} test images are training images, too" in note


def test_one_part_of_emnist_is_taken_by_its_own_name_and_of_several_one_has_to_be_named(
    tmp_path: Path,
) -> None:
    letters = Digits.drawn(classes=26)
    lay = digit_sets.idx_named("gzip/emnist-letters-{}.gz".format, gzip.compress)
    put(tmp_path, lay(letters))
    assert "holds EMNIST letters, not MNIST" in refusal(tmp_path)
    assert mnist_like.load(look(tmp_path), "emnist").name == "emnist-letters"
    lay = digit_sets.idx_named("gzip/emnist-digits-{}.gz".format, gzip.compress)
    put(tmp_path, lay(MADE))
    line = refusal(tmp_path, "emnist")
    assert "holds emnist-digits, emnist-letters: name one of them with --dataset" in line
    dataset = mnist_like.load(look(tmp_path), "emnist-letters")
    assert (dataset.classes, dataset.train.y.max()) == (26, 25)
    must_be(dataset, letters)


def test_labels_that_begin_at_one_are_counted_from_zero(tmp_path: Path) -> None:
    made = Digits.drawn(classes=26)
    one = np.uint8(1)
    ahead = Digits(made.x_train, made.y_train + one, made.x_test, made.y_test + one)
    put(tmp_path, LAYOUTS["published"](ahead))
    must_be(mnist_like.load(look(tmp_path), "letters"), made)


def test_a_published_file_is_known_by_its_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, LAYOUTS["published"](MADE))
    packed = (tmp_path / f"{NAMES[1]}.gz").read_bytes()
    known = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(known_sets.PUBLISHED_MD5, known, "fashion-mnist")
    assert "holds Fashion-MNIST; --dataset fashion-mnist trains on it" in refusal(tmp_path)
    assert "holds Fashion-MNIST, not own: --dataset fashion-mnist" in refusal(tmp_path, "own")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Fashion", "fashion-mnist"),
        ("FashionMNIST", "fashion-mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("kuzushiji", "kmnist"),
        ("EMNIST-Letters", "emnist-letters"),
        ("QMNIST", "qmnist"),
        ("MNIST", "mnist"),
        ("my-own.digits_2", "my-own.digits_2"),
    ],
)
def test_a_known_set_may_be_spelt_in_any_way(word: str, name: str) -> None:
    assert known_sets.chosen(word) == name


@pytest.mark.parametrize("word", ["", "a b", "../x", "-x", "x" * 41, "a\nb"])
def test_what_is_no_name_is_refused(word: str) -> None:
    with pytest.raises(DataError, match="is no name; expected fashion-mnist, "):
        known_sets.chosen(word)


@pytest.mark.parametrize("name", ["kaggle-mnist", "the_mnist", "simple mnist", "somemnist"])
def test_an_e_or_a_k_that_ends_another_word_makes_no_other_set(name: str) -> None:
    assert known_sets.by_words(f"{name}/train-images-idx3-ubyte") is None


@needs_mnist
def test_mnist_is_mnist_in_another_order_and_layout_and_no_other_set(tmp_path: Path) -> None:
    half = [gzip.decompress((REAL / f"{name}.gz").read_bytes()) for name in NAMES]
    x = [np.frombuffer(half[at], np.uint8, offset=16).reshape(-1, 28, 28) for at in (0, 2)]
    y = [np.frombuffer(half[at], np.uint8, offset=8) for at in (1, 3)]
    by_label = [np.argsort(each, kind="stable") for each in y]
    made = Digits(x[0][by_label[0]], y[0][by_label[0]], x[1][by_label[1]], y[1][by_label[1]])
    put(tmp_path, digit_sets.npz(made))
    dataset = mnist.load(look(tmp_path), tmp_path / "cache", mirrors=[])
    assert (dataset.name, dataset.source, len(dataset.train)) == ("mnist", "files", 60_000)
    assert set(dataset.train.y[:6000].tolist()) == set(range(10)), "a part stands for the whole"
    assert "holds MNIST itself: leave --dataset own out" in refusal(tmp_path, "own")


# ---- what is neither


@pytest.mark.parametrize(
    ("files", "found", "fix"),
    [
        (["cifar-100-python/train"], "CIFAR-100's files (train)", "name the"),
        (["mnist/train-00000-of-00001.parquet"], "Parquet tables", "convert them to IDX"),
        (["train.tfrecord-00000-of-00004"], "TFRecord files", "convert them"),
        (["archive.zip"], "archives (archive.zip)", "unpack them"),
        (["x_train.npy", "y_train.npy"], "NumPy arrays (x_train.npy, y_train.npy)", "one NPZ file"),
        (["train-images-idx3-ubyte.xz"], "packed otherwise than by gzip", "unpack them"),
        (["mnist.pkl.gz"], "Python pickles, which could run any program", "IDX, NPZ or CSV"),
        (["processed/training.pt"], "Python pickles", "IDX, NPZ or CSV"),
        (
            ["airplane/0001.png", "cat/1.png"],
            "named by words (data/airplane, data/cat)",
            "pull time",
        ),
        (["notes.txt", "b.log", "c", "d"], "b.log, c, d and 1 more", "name the folder"),
        ([".DS_Store", "Thumbs.db", "desktop.ini"], "is empty", "name the folder"),
        (["evil\x1b[31m\n.txt"], r"evil\x1b[31m\n.txt", "name the folder"),
    ],
)
def test_a_folder_of_something_else_is_refused_with_what_is_in_it(
    files: list[str], found: str, fix: str, tmp_path: Path
) -> None:
    put(tmp_path / "data", dict.fromkeys(files, b"something else"))
    line = refusal(tmp_path / "data")
    assert found in line
    assert fix in line


def test_a_file_in_the_place_of_its_folder_is_told_so(tmp_path: Path) -> None:
    put(tmp_path, LAYOUTS["npz"](MADE))
    line = refusal(tmp_path / "mnist.npz")
    assert f"{tmp_path}/mnist.npz is a file: name its folder, {tmp_path}" in line


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", "`git lfs pull` fetches the file"),
        (b"<!DOCTYPE html><title>403 Forbidden</title>", "a web page («403 Forbidden»)"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "a server's answer in XML"),
        (b"PK\x03\x04rest", "a ZIP archive: unpack it"),
        (b"\x80\x04\x95rest", "a Python pickle, which could run any program"),
        (gzip.compress(MADE.idx()[0])[:-9], "is cut short: its gzip stream does not end"),
        (b"", "is cut short: 0 bytes"),
    ],
    ids=["pointer", "page", "xml", "zip", "pickle", "cut", "empty"],
)
@pytest.mark.parametrize("layout", ["published", "npz", "Kaggle's tables"])
def test_a_file_that_is_not_what_its_name_says_is_called_what_it_is(
    layout: str, data: bytes, told: str, tmp_path: Path
) -> None:
    files = dict(LAYOUTS[layout](MADE))
    put(tmp_path, {**files, min(files, key=lambda name: "train" not in name): data})
    line = refusal(tmp_path)
    if layout == "published" or data[:1] in (b"v", b"<", b"\x80"):
        assert told in line
    else:
        assert "not MNIST" not in line


def test_a_table_that_unpacks_without_end_is_not_unpacked(tmp_path: Path) -> None:
    files = dict(LAYOUTS["packed tables"](MADE))
    head = gzip.decompress(files["test.csv.gz"])
    bomb = gzip.compress(head + bytes(200 << 20), 1)
    put(tmp_path, {**files, "test.csv.gz": bomb})
    tracemalloc.start()
    assert "is no table of numbers from 0 to 255" in refusal(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()


def test_pipes_in_the_place_of_files_are_not_waited_for(tmp_path: Path) -> None:
    for name in ("mnist.npz", "mnist_train.csv", "train-images-idx3-ubyte", "7/1.png", "8/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / name)
    refusal(tmp_path)


def test_pointers_to_another_set_are_named_as_both(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1"
    put(tmp_path, {"fashion-mnist_train.csv": pointer, "fashion-mnist_test.csv": pointer})
    line = refusal(tmp_path)
    assert "holds Fashion-MNIST, not MNIST" in line
    assert "a Git LFS pointer in the file's place" in line


def test_digits_of_one_split_are_named_as_such(tmp_path: Path) -> None:
    put(tmp_path, LAYOUTS["mnist_png"](MADE))
    line = refusal(tmp_path / "mnist_png" / "training")
    assert "holds pictures by class, 10 folders of 28x28 pixels, and one split alone" in line


def test_a_test_table_without_labels_is_named_as_such(tmp_path: Path) -> None:
    files = dict(LAYOUTS["Kaggle's tables"](MADE))
    rows = [row.split(b",", 1)[1] for row in files["mnist_test.csv"].splitlines()]
    put(tmp_path, {**files, "mnist_test.csv": b"\n".join(rows)})
    assert "has 784 columns (the pixels without a label)" in refusal(tmp_path)


def test_a_table_of_something_that_is_no_pixel_is_named_as_such(tmp_path: Path) -> None:
    files = dict(LAYOUTS["Kaggle's tables"](MADE))
    put(tmp_path, {**files, "mnist_test.csv": files["mnist_test.csv"].replace(b",7,", b",x,", 1)})
    assert "mnist_test.csv is no table of numbers from 0 to 255" in refusal(tmp_path)
