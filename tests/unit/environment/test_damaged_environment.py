"""Environments with damaged files, in the way of somebody, or misled: made anew, or one line."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from plugins.module_utils import environment_contents as contents
from plugins.modules import locked_environment as module
from tests.support.edge_index import PYTHON, make, wheel
from tests.support.program import script

FOLDERS = {"edge/lib/edge.so": ["grind/*", "/usr/local/grind/lib"]}
REPAIRED = {"runtime_path": FOLDERS}


@pytest.mark.parametrize("name", ["edge.py", "edge/lib/edge.so"])
@pytest.mark.parametrize("damage", [lambda file: os.truncate(file, 7), os.remove])
def test_a_file_that_was_cut_or_is_gone_makes_the_environment_anew(
    made: tuple[Path, str], name: str, damage: Callable[[Path], None]
) -> None:
    path, lock = made
    damage(contents.site_packages(path) / name)
    assert module.why_make(path, lock, PYTHON) == f"{name} is not as it was installed"


def test_a_file_of_the_same_size_is_read_where_the_import_has_failed(
    made: tuple[Path, str],
) -> None:
    path, lock = made
    (contents.site_packages(path) / "edge.py").write_text("VERSION = '7.0'\n", encoding="utf-8")
    assert module.why_make(path, lock, PYTHON) == ""
    why = module.why_make(path, lock, PYTHON, {"thorough": True})
    assert why == "edge.py is not as it was installed"


@pytest.mark.parametrize("name", ["pyvenv.cfg", module.PACKAGES, module.LOCK])
@pytest.mark.parametrize("damage", ["gone", "folder", "bytes"])
def test_a_file_of_its_own_that_cannot_be_read_makes_it_anew(
    made: tuple[Path, str], name: str, damage: str
) -> None:
    path, lock = made
    (path / name).unlink()
    if damage == "folder":
        (path / name).mkdir()
    elif damage == "bytes":
        (path / name).write_bytes(b"\xff\xfe\x00")
    assert module.why_make(path, lock, PYTHON) != ""
    assert module.obstacle(path) == ""


def test_a_mended_library_is_as_it_should_be_until_it_is_cut(tmp_path: Path, index: Path) -> None:
    path, lock = tmp_path / "here", wheel(index / "edge", "1.0")
    make(path, index, lock, REPAIRED)
    assert module.why_make(path, lock, PYTHON, {**REPAIRED, "thorough": True}) == ""
    library = contents.site_packages(path) / "edge/lib/edge.so"
    os.truncate(library, library.stat().st_size - 1)
    assert module.why_make(path, lock, PYTHON, REPAIRED) != ""


def test_what_uv_s_cache_holds_damaged_is_fetched_again(tmp_path: Path, index: Path) -> None:
    path, lock = tmp_path / "here", wheel(index / "edge", "1.0")
    make(path, index, lock)
    os.truncate(contents.site_packages(path) / "edge.py", 3)
    assert [file.stat().st_size for file in (tmp_path / "cache").rglob("edge.py")] == [3]
    make(path, index, lock)
    assert module.why_make(path, lock, PYTHON, {"thorough": True}) == ""


def test_a_variable_that_leads_pip_elsewhere_is_left_out(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    make(tmp_path / "here", index, wheel(index / "edge", "1.0"), {"uv": ""})
    assert "edge-1.0" in module.packages(tmp_path / "here")


def test_packages_that_were_put_elsewhere_are_said(made: tuple[Path, str]) -> None:
    path, _lock = made
    shutil.rmtree(next(path.glob("lib/python3.*/site-packages/edge-1.0.dist-info")))
    with pytest.raises(contents.MakingError, match=r"pip has put edge==1\.0 elsewhere"):
        module.ensure_whole(path, False, ["pip"], {}, 0)


def test_a_folder_of_the_user_s_own_is_left_alone_and_named(tmp_path: Path) -> None:
    for name in ("here", "there.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").touch()
    (tmp_path / "empty").mkdir()
    said = "is somebody else's: move it away, or set another prefix"
    assert module.obstacle(tmp_path / "here") == f"{tmp_path}/here {said}"
    assert module.obstacle(tmp_path / "there") == f"{tmp_path}/there.old {said}"
    assert module.obstacle(tmp_path / "empty") == ""


def test_a_place_where_nothing_can_be_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def mounted(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(f_flag=os.ST_NOEXEC)

    monkeypatch.setattr(os, "statvfs", mounted)
    told = module.obstacle(tmp_path / "prefix/tensorflow")
    assert told == f"{tmp_path} is mounted noexec: mount it with exec, or set another prefix"
    assert asked == [tmp_path]  # the nearest folder that is there


def test_a_folder_in_the_place_of_the_lock_is_held_like_a_file(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    other = os.open(tmp_path / ".lock", os.O_RDONLY)
    with module.locked(tmp_path), pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_program_that_cannot_be_run_and_a_python_without_a_part_are_one_line(
    tmp_path: Path,
) -> None:
    program = tmp_path / "python3"
    program.touch()
    with pytest.raises(contents.MakingError, match="python3 cannot be run: Permission denied"):
        contents.run([str(program)], {}, 0)
    error = "ModuleNotFoundError: No module named '_ctypes'"
    told = f"""'Traceback (most recent call last):' '  File' "{error}"; exit 1"""
    script(program, f"#!/bin/sh\nprintf '%s\\n' {told}")
    with pytest.raises(contents.MakingError) as caught:
        module.check_python(str(program), 0)
    assert str(caught.value) == (
        f"python3 failed: {error}: install a whole Python, or set plan_python"
    )


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (
            (
                "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at "
                "0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')'"
            ),
            "Failed to establish a new connection: [Errno 111] Connection refused: /simple/edge/",
        ),
        (
            (
                "'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] "
                "certificate verify failed: certificate is not yet valid (_ssl.c:992)'))'"
            ),
            "is this host's clock right? It shows 20",
        ),
    ],
)
def test_an_index_that_does_not_answer_is_the_cause_and_not_what_it_lacks(
    cause: str, told: str
) -> None:
    output = (
        f"WARNING: Retrying (Retry(total=0)) after connection broken by {cause}: /simple/edge/\n"
        "ERROR: No matching distribution found for edge\n"
    )
    said = contents.reason(output)
    assert said.startswith("the package index does not answer: ")
    assert told in said
    assert "\n" not in said


def test_an_interpreter_that_does_not_start_is_made_anew_where_the_import_has_failed(
    made: tuple[Path, str],
) -> None:
    path, lock = made
    python = path / "bin/python"
    python.unlink()
    python.write_text("", encoding="utf-8")
    assert module.why_make(path, lock, PYTHON) == "its Python is gone"
    other = script(path.with_name("python3"), "#!/bin/sh\nexit 1\n")
    python.unlink()
    python.symlink_to(other)
    why = module.why_make(path, lock, str(other), {"thorough": True})
    assert why.startswith("python failed: exit status 1")
