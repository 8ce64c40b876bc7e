"""A wheel of the user's own in the place of a lock's TensorFlow."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

from plugins.module_utils.environment_contents import MakingError
from plugins.modules import locked_environment as module
from plugins.modules.gpu_info import environment
from plugins.plugin_utils.gpu_stack.load import LOCKS
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.gpu_stack.wheel import locked, parse
from plugins.plugin_utils.host_facts import parse as facts
from roles.verify.files.verify import cpu, main
from tests.support.edge_index import make
from tests.unit.plans import recorded

HASH = "0123456789abcdef" * 4
NAME = "tensorflow-2.22.0+own-cp311-cp311-manylinux_2_27_x86_64.whl"


@pytest.mark.parametrize(
    ("place", "version", "python", "glibc"),
    [
        (f"/srv/{NAME}", "2.22.0+own", "3.11", (2, 27)),
        (f"https://example.org:8443/a/{NAME.replace('+', '%2B')}", "2.22.0+own", "3.11", (2, 27)),
        (
            "/w/tensorflow-2.23.0.dev20261026-1-cp313-cp313-manylinux2014_x86_64.whl",
            "2.23.0.dev20261026",
            "3.13",
            (2, 17),
        ),
        (
            "/w/tensorflow-2.21.0-cp310-cp310-manylinux_2_28_x86_64.manylinux_2_17_x86_64.whl",
            "2.21.0",
            "3.10",
            (2, 17),
        ),
    ],
)
def test_a_wheel_says_what_it_is_by_its_name(
    place: str, version: str, python: str, glibc: tuple[int, ...]
) -> None:
    own = parse(f"{place}#sha256={HASH.upper()}")
    assert (own.version, own.python, own.glibc) == (version, python, {"x86_64": glibc})
    assert str(own) == f"{place}#sha256={HASH}"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2.22", "https://HOST/NAME.whl#sha256=HASH or /PATH/NAME.whl#sha256=HASH"),
        (f"http://example.org/{NAME}#sha256={HASH}", "https://HOST/NAME.whl"),
        (f"https://me:secret@example.org/{NAME}#sha256={HASH}", "without a password"),
        (f"https://example.org/{NAME}?token=1#sha256={HASH}", "without a query"),
        (f"here/{NAME}#sha256={HASH}", "https://HOST/NAME.whl"),
        (f"/srv/a b/{NAME}#sha256={HASH}", "https://HOST/NAME.whl"),
        (f"/srv/x\n--index-url=https://example.org/{NAME}#sha256={HASH}", "https://HOST/NAME.whl"),
        (f"/srv/{NAME}", "64 hexadecimal digits behind the name"),
        (f"/srv/{NAME}#sha256={HASH[1:]}", "64 hexadecimal digits"),
        (f"/srv/{NAME}#sha256={HASH[1:]}g", "64 hexadecimal digits"),
        (f"/srv/{NAME}#sha512={HASH}", "64 hexadecimal digits"),
        (f"/srv/{NAME.replace('tensorflow', 'torch')}#sha256={HASH}", "of the name tensorflow"),
        (f"/srv/own.whl#sha256={HASH}", "of the name tensorflow"),
        (f"/srv/{NAME.replace('cp311-cp311', 'py3-none')}#sha256={HASH}", "for one CPython"),
        (f"/srv/{NAME.replace('cp311-cp311', 'cp314-cp314t')}#sha256={HASH}", "for one CPython"),
        (f"/srv/{NAME.replace('manylinux_2_27', 'linux')}#sha256={HASH}", "auditwheel repair"),
        (f"/srv/{NAME.replace('manylinux_2_27', 'macosx_12_0')}#sha256={HASH}", "for manylinux"),
    ],
)
def test_what_is_no_such_wheel_is_refused_in_one_line(said: str, expected: str) -> None:
    with pytest.raises(RefusedError) as refused:
        resolve(
            facts(recorded.system("debian-12")), Options(tensorflow_wheel=said), recorded.MATRIX
        )
    assert expected in str(refused.value)
    assert str(refused.value).startswith("found plan_tensorflow_wheel=")


@pytest.mark.parametrize("path", sorted(LOCKS.glob("tensorflow-*.txt")), ids=lambda path: path.name)
def test_it_takes_the_place_of_tensorflow_in_every_lock_and_of_nothing_else(path: Path) -> None:
    lock = path.read_text(encoding="utf-8")
    before, after = module.pins(lock).splitlines(), locked(lock, f"/srv/{NAME}#sha256={HASH}")
    own = f"tensorflow @ file:///srv/{NAME.replace('+', '%2B')}"
    replaced = ("tensorflow==", "tf-nightly==")
    expected = [own if line.startswith(replaced) else line for line in before]
    assert module.pins(after).splitlines() == expected
    assert f"{own} \\\n    --hash=sha256:{HASH}\n" in after
    assert locked(lock, "") == lock


def made(folder: Path) -> Path:
    """A wheel of that name, which says that it is TensorFlow."""
    tag = f"cp3{sys.version_info.minor}"
    path = folder / f"tensorflow-2.22.0+own-{tag}-{tag}-manylinux_2_5_x86_64.whl"
    info = "tensorflow-2.22.0+own.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tensorflow/__init__.py", "__version__ = '2.22.0'\n")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.22.0+own\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}-{tag}-manylinux_2_5_x86_64\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


LOCKED = "tensorflow==2.21.0 \\\n    --hash=0\n"


def test_an_environment_is_made_with_it_by_its_hash(tmp_path: Path) -> None:
    path = made(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lock = locked(LOCKED, f"{path}#sha256={digest}")
    make(tmp_path / "prefix/tensorflow", tmp_path, lock, {"uv": ""})
    python = tmp_path / "prefix/tensorflow/bin/python"
    told = subprocess.check_output(
        [python, "-c", "import tensorflow; print(tensorflow.__version__)"], text=True
    )
    assert told == "2.22.0\n"
    found = environment(tmp_path, "/prefix/tensorflow")
    assert (found["tensorflow"], found["wheel"]) == ("2.22.0+own", digest)


def test_a_wheel_of_another_hash_is_not_installed(tmp_path: Path) -> None:
    path = made(tmp_path)
    with pytest.raises(MakingError, match=r"(?i)hash"):
        make(tmp_path / "prefix/tensorflow", tmp_path, locked(LOCKED, f"{path}#sha256={HASH}"))
    assert not (tmp_path / "prefix/tensorflow").exists()


def test_a_wheel_of_ones_own_may_say_more_than_its_tensorflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mock = types.SimpleNamespace(__version__="2.23.0-dev20261026")
    monkeypatch.setitem(sys.modules, "tensorflow", mock)
    monkeypatch.setitem(sys.modules, "keras", mock)
    planned = {"version": "2.23.0.dev20261026+own", "wheel": "/srv/own.whl#sha256=0"}
    assert cpu.imports({"tensorflow": planned}).startswith("TensorFlow 2.23.0-dev20261026")
    for other in ({**planned, "wheel": ""}, {**planned, "version": "2.22.0"}):
        with pytest.raises(AssertionError, match="the plan says"):
            cpu.imports({"tensorflow": other})
    assert main.longest({"tensorflow": planned}) > main.longest({"tensorflow": {}})
