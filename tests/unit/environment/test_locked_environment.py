"""Real environments from a small index of our own: whole, or not there at all."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import environment_contents as contents
from plugins.module_utils.elf import search_path
from plugins.modules import locked_environment as module
from plugins.plugin_utils.gpu_stack.options import Options
from plugins.plugin_utils.gpu_stack.plan import UV, Plan
from tests.support.edge_index import LIBRARY, PATCHELF, PYTHON, make, wheel
from tests.unit.plans import recorded


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
        with module.locked(tmp_path), pytest.raises(BlockingIOError):
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
    with module.locked(tmp_path) as lock:
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


@pytest.mark.parametrize(
    ("system", "where"),
    [("ubuntu-26.04", "--no-python-downloads"), ("debian-12", "--managed-python")],
)
def test_the_nightly_is_installed_with_python_3_14_the_system_s_or_uv_s(
    system: str, where: str, tmp_path: Path
) -> None:
    found = recorded.system(system) | {"gpus": [recorded.gpu("RTX 4090", 0)]}
    options = Options(tensorflow="nightly")
    plan = recorded.outcome(recorded.Recorded("nightly", found, options))
    assert isinstance(plan, Plan)
    assert (plan.record.tensorflow.python, plan.lock) == ("3.14", "tensorflow-nightly-cuda12.txt")
    python = plan.record.tensorflow.python if plan.base == UV else plan.base
    make, install = module.commands(tmp_path, "tensorflow", "/srv/uv", python)
    assert make[-4:-1] == [where, "--python", "/usr/bin/python3.14" if plan.base != UV else "3.14"]
    assert install[:4] == ["/srv/uv", "pip", "sync", "--require-hashes"]
