"""A `.keras` file is looked into before Keras opens it: nothing in it may be a program."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bench.errors import GrindstoneError
from bench.predict import archive
from bench.predict.network import opened
from tests.support import networks
from tests.support.networks import config, layer


def refused(path: Path) -> str:
    with pytest.raises(GrindstoneError) as error:
        archive.check(path, path.name)
    told = str(error.value)
    assert "\n" not in told
    assert told.startswith(path.name)
    return told


def test_a_network_as_keras_saves_it_is_let_through(tmp_path: Path) -> None:
    archive.check(networks.archive(tmp_path / "a.keras"), "a.keras")
    again = networks.archive(tmp_path / "b.keras", packed=zipfile.ZIP_DEFLATED)
    archive.check(again, "b.keras")


_FUNCTION = {
    "module": "os",
    "class_name": "function",
    "config": "system",
    "registered_name": "system",
}


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (
            layer("Lambda", function={"class_name": "__lambda__", "config": {"value": "4wA="}}),
            "program",
        ),
        (
            layer("Dense", activation={"class_name": "__lambda__", "config": {"value": "4wA="}}),
            "program",
        ),
        (layer("Dense", activation=_FUNCTION), "program"),
        (layer("TFSMLayer", filepath="/tmp/evil"), "no layer"),
        (layer("TorchModuleWrapper", module="gAN9cQAu"), "no layer"),
        (layer("StringLookup", vocabulary="/etc/passwd"), "no layer"),
        (layer("get_file", "keras.utils", origin="http://example.org"), "no layer"),
        (layer("Popen", "subprocess", args="id"), "no layer"),
        (layer("Dense", "keras.layers.core", units=1), "no layer"),
        (layer("Dense", ["keras.layers"], units=1), "no layer"),  # type: ignore[arg-type]
        ({"class_name": "Dense", "config": {}}, "no layer"),
        ({"class_name": ["Dense"], "module": "keras.layers", "config": {}}, "no layer"),
        ({**layer("Dense"), "registered_name": "mine>Dense"}, "somebody's own"),
        ({**layer("Mine", "my_module"), "registered_name": "my_package>Mine"}, "somebody's own"),
        ({"registered_name": "my_package>Mine", "config": {}}, "somebody's own"),
    ],
    ids=lambda part: part.get("class_name", "") if isinstance(part, dict) else part,
)
def test_what_could_run_or_read_or_load_something_is_refused(
    tmp_path: Path, part: dict[str, Any], why: str
) -> None:
    inner = layer("Sequential", "keras", layers=[part])  # and however deep it stands
    for tree in (config(part), config(layer("Dense"), inner)):
        assert why in refused(networks.archive(tmp_path / "a.keras", tree))


def test_what_is_not_compiled_is_not_read_but_that_of_an_inner_network_is(tmp_path: Path) -> None:
    own = {"loss": _FUNCTION}
    tree = {**config(), "compile_config": own}
    archive.check(networks.archive(tmp_path / "a.keras", tree), "a.keras")
    inner = {**layer("Sequential", "keras", layers=[]), "compile_config": own}
    assert "program" in refused(networks.archive(tmp_path / "b.keras", config(inner)))


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"assets/hook.py": b"import os"}, "it holds assets/hook.py"),
        ({"../../evil": b""}, "it holds ../../evil"),
        ({"config.json": b"{"}, "no JSON"),
        ({"config.json": b"[" * 100_000}, "no JSON"),
        ({"config.json": b"[]"}, "no Sequential"),
        ({"config.json": b'{"class_name": "Functional"}'}, "no Sequential"),
        ({"config.json": b" " * (2 << 20)}, "claims to unpack"),
    ],
)
def test_other_members_and_other_json_are_refused(
    tmp_path: Path, members: dict[str, bytes], why: str
) -> None:
    assert why in refused(networks.archive(tmp_path / "a.keras", members=members))


def test_an_archive_that_lacks_a_part_or_has_one_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps(config()))
    assert "it lacks" in refused(path)
    networks.archive(path)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("config.json", json.dumps(config(layer("Lambda"))))
    assert "a part twice" in refused(path)


def test_a_zip_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    path = networks.archive(
        tmp_path / "a.keras",
        members={"model.weights.h5": bytes(64 << 20)},
        packed=zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 100_000
    assert "claims to unpack to 67,1" in refused(path)


def test_a_file_that_is_cut_is_called_damaged(tmp_path: Path) -> None:
    path = networks.archive(tmp_path / "a.keras")
    whole = path.read_bytes()
    for length in (5, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "damaged or cut short" in refused(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (pickle.dumps({"weights": [1.0]}), "a Python pickle"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"", "is empty"),
        (b"import os", "is something else"),
        (pickle.dumps([1]) + b"PK\x03\x04", "a Python pickle"),
    ],
)
def test_what_is_only_named_so_is_called_what_it_is(
    tmp_path: Path, content: bytes, why: str
) -> None:
    path = tmp_path / "a.keras"
    path.write_bytes(content)
    assert why in refused(path)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.h5", "HDF5, in which a layer may be a program"),
        ("a.HDF5", "HDF5"),
        ("a.pkl", "a Python pickle"),
        ("a.pt", "a Python pickle"),
        ("a.pb", "another program's"),
        ("a.json", "no network by its name"),
        ("none.keras", "is not there"),
        ("saved", "a SavedModel"),
        ("empty", "a folder"),
        ("post-cpu", "no network by its name"),
    ],
)
def test_other_formats_are_refused_by_their_names_with_what_to_do(
    tmp_path: Path, name: str, why: str
) -> None:
    for each in ("a.h5", "a.HDF5", "a.pkl", "a.pt", "a.pb", "a.json", "post-cpu"):
        (tmp_path / each).write_bytes(b"")
    for each in ("saved", "empty"):
        (tmp_path / each).mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(GrindstoneError, match="--save-models saves one") as error:
        opened(tmp_path / name, tmp_path)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_network_is_what_its_description_says_or_is_not_loaded(tmp_path: Path) -> None:
    path = networks.saved(tmp_path / "models")
    (tmp_path / "scratch").mkdir()
    network = opened(path, tmp_path / "scratch")
    assert (network.name, network.workload.name) == ("post-cpu.keras", "post")
    assert network.path.read_bytes() == path.read_bytes()
    assert not network.is_classifier
    networks.archive(path, config(layer("Dense"), layer("Dense")))
    with pytest.raises(GrindstoneError, match="is not the network that post-cpu"):
        opened(path, _fresh(tmp_path))
    path.with_suffix(".json").unlink()
    with pytest.raises(GrindstoneError, match=r"post-cpu\.json is not there"):
        opened(path, _fresh(tmp_path))


def test_what_predicts_nothing_here_is_refused(tmp_path: Path) -> None:
    own = networks.saved(tmp_path / "own", preprocessing=None)
    with pytest.raises(GrindstoneError, match="a model of your own"):
        opened(own, _fresh(tmp_path))
    for name in ("circles", "unheard"):
        other = networks.saved(tmp_path / name, workload="post")
        told = other.with_suffix(".json")
        text = told.read_text(encoding="utf-8")
        told.write_text(
            text.replace('"workload": "post"', f'"workload": "{name}"'), encoding="utf-8"
        )
        with pytest.raises(GrindstoneError, match=f"of the workload {name}"):
            opened(other, _fresh(tmp_path))


def _fresh(folder: Path) -> Path:
    made = folder / f"scratch-{len(list(folder.iterdir()))}"
    made.mkdir()
    return made
