"""A file with a model of one's own, as it is read before anything runs."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from bench.errors import GrindstoneError
from bench.workloads.own import (
    Floor,
    OwnWorkload,
    is_accuracy,
    main_metric,
    name_of,
    read,
    read_files,
)

_PLAIN = "def model():\n    pass\n\n\ndef data():\n    pass\n"


def _file(folder: Path, text: str, name: str = "my_model.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_two_functions_are_enough(tmp_path: Path) -> None:
    path = _file(tmp_path, _PLAIN)
    workload = read(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert workload == OwnWorkload("my_model", path, sha256)
    epochs = {name: schedule.epochs for name, schedule in workload.schedules.items()}
    assert epochs == {"smoke": 3, "quick": 5, "full": 5}


def test_a_file_is_never_run_to_be_read(tmp_path: Path) -> None:
    path = _file(tmp_path, "import no_such_module\nraise SystemExit(open('ran', 'w'))\n" + _PLAIN)
    assert read(path).name == "my_model"
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("constants", "members"),
    [
        ("EPOCHS = 12", {"epochs": 12}),
        ("EPOCHS: int = 12", {"epochs": 12}),
        ("BATCH = 128", {"batch": 128}),
        ("STEPS = 100", {"steps": (100, None)}),
        ("STEPS = (100, 10)", {"steps": (100, 10)}),
        ("STEPS = (None, 10)", {"steps": (None, 10)}),
        ('import os\nos.environ["KERAS_BACKEND"] = "jax"', {"backend": ("jax", 2)}),
        ('os.environ.setdefault("KERAS_BACKEND", "torch")', {"backend": ("torch", 1)}),
        ('os.environ["KERAS_HOME"] = "KERAS_BACKEND"', {"backend": None}),
        ("net.fit(x, y, epochs=5)", {"trains": 1}),
        ("for rate in (1, 2):\n    history = net.fit(x, callbacks=[])", {"trains": 2}),
        ("scaler.fit(x)\nmodel.fit(x, y)", {"trains": 0}),
        ("if __name__ == '__main__':\n    net.fit(x, y, epochs=5)", {"trains": 0}),
        ("def again():\n    net.fit(x, y, epochs=5)", {"trains": 0}),
        ('NAME = "resnet-50.v2"', {"name": "resnet-50.v2"}),
        ('FLOORS = {"val_acc": ">= 0.5"}', {"floors": (Floor("val_acc", False, 0.5),)}),
        ('FLOORS = {"val_loss": "<=1e3"}', {"floors": (Floor("val_loss", True, 1e3),)}),
        ("FLOORS = {}", {"floors": ()}),
        ("EPOCHS, BATCH_SIZE = work_out()\nBATCH = 3", None),
    ],
)
def test_constants_are_read_off(
    tmp_path: Path, constants: str, members: dict[str, Any] | None
) -> None:
    path = _file(tmp_path, f"{constants}\n{_PLAIN}")
    if members is None:
        with pytest.raises(GrindstoneError, match="EPOCHS is worked out when the file runs"):
            read(path)
        return
    workload = read(path)
    assert {name: getattr(workload, name) for name in members} == members


@pytest.mark.parametrize(
    "text",
    [
        "from my_network import model\nfrom my_data import load as data\n",
        "from my_network import *\n",
        "model = data = make\n",
        "if True:\n    def model(): pass\ntry:\n    pass\nexcept OSError:\n    def data(): pass\n",
        "@with_width(8)\ndef model(width): pass\ndef data(): pass\n",
        "def model(width=8, *layers, dropout=0.5, **more): pass\ndef data(*_): pass\n",
        "model, data = parts(3)\ndef more():\n    return model.name\nmade = lambda: data[0]\n",
        f"{_PLAIN}if __name__ == '__main__':\n    model = model()\n    model.fit(*data()[0])\n",
    ],
)
def test_functions_may_come_from_elsewhere_and_have_defaults(tmp_path: Path, text: str) -> None:
    assert read(_file(tmp_path, text)).epochs == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "",
            (
                "has no function model() and no data(): put what makes the network into "
                "`def model():`, which returns it, and put what reads the data into `def data():`, "
                "which returns (x, y), (x_validation, y_validation); see docs/own-models.md"
            ),
        ),
        ("def model(): pass\n", "has no function data(): put what reads the data into `def data"),
        ("def model(): pass\ndef load(): return 1\n", "data(): put what load() reads into"),
        ("def build_net(): return 1\n", "model() and no data(): write `def model(): return build_"),
        ("def train_net(): return 1\ndef load_model(): return 2\n", "put what makes the network"),
        ("def build(width): return 1\ndef net(): pass\n", "put what makes the network into `def"),
        ("def vae(): return 1\nmodel = vae()\nmodel.fit(1)\n", "write `def model(): return vae()`"),
        (
            "import tensorflow.data as data\nmodel = Sequential()\nif True:\n    model.add(1)\n",
            "model() and no data(): put what makes `model` (line 2) into `def model():`, which",
        ),
        (
            "def model(): pass\ndata = read()\nx = data['x']\n",
            "no function data(): put what makes `data` (line 2) into `def data():`, which retur",
        ),
        ("def model(:\n", ":1: SyntaxError: "),
        ("def model(width): pass\ndef data(): pass\n", ":1: model() is called without arguments, "),
        (
            "def model(): pass\ndef data(*, n): pass\n",
            ":2: data() is called without arguments, and",
        ),
        ("async def model(): pass\ndef data(): pass\n", ":1: model has to be a plain function"),
        ("class model: pass\ndef data(): pass\n", ":1: model has to be a plain function"),
        (f"EPOCHS = 2\n{_PLAIN}", ":1: EPOCHS is 2; expected: a whole number of 3 or more, as epo"),
        (f"EPOCHS = 2.5\n{_PLAIN}", ":1: EPOCHS is 2.5; expected: a whole number of 3 or more"),
        (f"EPOCHS = 2 * N\n{_PLAIN}", ":1: EPOCHS is worked out when the file runs, and is needed"),
        (f"BATCH = 0\n{_PLAIN}", ":1: BATCH is 0; expected: a whole number of 1 or more"),
        (f"BATCH = True\n{_PLAIN}", ":1: BATCH is True; expected: a whole number of 1 or more"),
        (f"STEPS = (1, 2, 3)\n{_PLAIN}", ":1: STEPS is (1, 2, 3); expected: the batches of an ep"),
        (f'NAME = "a b"\n{_PLAIN}', ":1: NAME is 'a b'; expected: letters, digits"),
        (f"FLOORS = 0.9\n{_PLAIN}", ':1: FLOORS is 0.9; expected: as {"val_accuracy": ">= 0.97"}'),
        (f'FLOORS = {{"val_acc": 0.9}}\n{_PLAIN}', ":1: FLOORS is {'val_acc': 0.9}; expected: as"),
        (f'FLOORS = {{"val_acc": "> 1"}}\n{_PLAIN}', ":1: FLOORS is {'val_acc': '> 1'}; expected"),
        (f'FLOORS = {{"a": ">= nan"}}\n{_PLAIN}', ":1: FLOORS is {'a': '>= nan'}; expected: as"),
        (
            f"EPOCHS = 2000000\n{_PLAIN}",
            ":1: EPOCHS is 2000000; expected: a whole number of 3 or mo",
        ),
        (
            "def model(): pass\0",
            "is no text in UTF-8, and a Python file is expected; save a script in",
        ),
        ("<!DOCTYPE html>\n", ":1: SyntaxError: invalid syntax: <!DOCTYPE html>"),
        ("version https://git-lfs.github.com/spec/v1\n", "syntax: version https://git-lfs.github"),
        ("%matplotlib inline\n", ":1: SyntaxError: invalid syntax: %matplotlib inline"),
        ('{"cells": [], "nbformat": 4}', "is a notebook, and a Python file is expected: mv "),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(GrindstoneError) as wrong:
        read(path)
    assert str(wrong.value).startswith(str(path))
    assert told in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(GrindstoneError, match=r"nowhere.py cannot be read: No such file .* data"):
        read(tmp_path / "nowhere.py")
    with pytest.raises(GrindstoneError, match="is a folder; name a Python file"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    for path in (tmp_path / "pipe.py", Path("/dev/zero")):  # neither ends
        with pytest.raises(GrindstoneError, match="is no ordinary file; name a Python file"):
            read(path)
    for head in (b"PK\3\4", b"\x89HDF\r\n", "é".encode("utf-16")):
        (tmp_path / "net.keras").write_bytes(head)
        with pytest.raises(GrindstoneError, match=r"is no text in UTF-8, .* a saved network by"):
            read(tmp_path / "net.keras")
    with pytest.raises(GrindstoneError, match=r"is a notebook, .* jupyter nbconvert --to script"):
        read(_file(tmp_path, "{}", "model.ipynb"))
    with pytest.raises(GrindstoneError, match=r"notes.md is no Python file; name one that has"):
        read(_file(tmp_path, "what it's for\n", "notes.md"))


def test_two_files_of_one_name_or_that_of_a_workload_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, other = _file(tmp_path, _PLAIN), _file(tmp_path / "b", _PLAIN)
    with pytest.raises(GrindstoneError, match=rf"my_model is the name of {one} already; give it"):
        read_files([one, other], ["mlp"])
    with pytest.raises(GrindstoneError, match="mlp is the name of a workload of Grindstone's"):
        read_files([_file(tmp_path, _PLAIN, "mlp.py")], ["mlp"])
    assert [each.name for each in read_files([one, one], ["mlp"])] == ["my_model"]


@given(st.text(max_size=40))
def test_a_files_name_makes_a_rows_name(stem: str) -> None:
    name = name_of(Path("/x") / f"{stem.replace('/', '_')}.py")
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", name)


def test_a_files_name_keeps_its_letters_without_their_accents() -> None:
    told = {"modèle été": "modele-ete", "net (copy)": "net-copy", "模型": "own", "v1_": "v1_"}
    assert {stem: name_of(Path(f"{stem}.py")) for stem in told} == told


@given(st.binary(max_size=80))
def test_no_content_makes_more_than_a_line(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "any.py"
    path.write_bytes(content)
    with pytest.raises(GrindstoneError) as wrong:
        read(path)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("names", "floors", "main"),
    [
        (["val_loss"], [], "val_loss"),
        (["val_loss", "val_mae", "val_accuracy"], [], "val_accuracy"),
        (["val_loss", "val_auc", "val_mae"], [], "val_auc"),
        (["val_loss", "val_acc"], [Floor("val_loss", True, 1.0)], "val_loss"),
        (["loss"], [], "loss"),
    ],
)
def test_the_table_has_a_floors_metric_else_an_accuracy_else_the_first(
    names: list[str], floors: list[Floor], main: str
) -> None:
    assert main_metric(names, floors) == main


def test_an_accuracy_is_told_by_its_name() -> None:
    names = ["val_accuracy", "val_acc", "val_sparse_categorical_accuracy", "val_department_acc"]
    assert all(map(is_accuracy, names))
    assert not any(map(is_accuracy, ["accuracy", "val_loss", "val_account", "val_mae"]))
