import errno
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.datasets import cache
from bench.errors import CacheError
from tests.conftest import unprivileged
from tests.support.program import to_the_end

ROOT = Path(__file__).parents[2]
NOBODY = 65534

PIXELS = np.arange(6 * 28 * 28, dtype=np.uint8).reshape(6, 28, 28)
SECONDS = np.array([28.5, 31.0], np.float32)


def stored(folder: Path) -> Path:
    path = folder / "some" / "arrays.npz"
    cache.store_arrays(path, pixels=PIXELS, seconds=SECONDS)
    return path


def in_child(program: str, *arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 64 KiB."""
    yield from mounted(tmp_path / "small", "size=64k")


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "read-only", "ro")


def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    mount = to_the_end(["mount", "-t", "tmpfs", "-o", options, "grindstone-test", folder])
    if mount.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_arrays_come_back_with_their_types_and_shapes(tmp_path: Path) -> None:
    loaded = cache.load_arrays(stored(tmp_path))
    assert loaded is not None
    assert list(loaded) == ["pixels", "seconds"]
    np.testing.assert_array_equal(loaded["pixels"], PIXELS, strict=True)
    np.testing.assert_array_equal(loaded["seconds"], SECONDS, strict=True)


def test_storing_leaves_nothing_but_the_file(tmp_path: Path) -> None:
    path = stored(tmp_path)
    stored(tmp_path)
    assert list(path.parent.iterdir()) == [path]


def test_other_users_may_read_the_cache_where_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert stored(tmp_path).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_file_that_was_never_stored_is_absent(tmp_path: Path) -> None:
    assert cache.load_arrays(tmp_path / "nothing" / "here.npz") is None
    (tmp_path / "file").touch()
    assert cache.load_arrays(tmp_path / "file" / "here.npz") is None


@settings(deadline=None)
@given(st.data())
def test_a_file_with_a_damaged_byte_is_absent_or_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = stored(tmp_path_factory.mktemp("damaged"))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    loaded = cache.load_arrays(path)
    if loaded is not None:
        np.testing.assert_array_equal(loaded["pixels"], PIXELS, strict=True)
        np.testing.assert_array_equal(loaded["seconds"], SECONDS, strict=True)


@settings(deadline=None)
@given(st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_short_is_absent(
    tmp_path_factory: pytest.TempPathFactory, kept: float
) -> None:
    path = stored(tmp_path_factory.mktemp("cut"))
    os.truncate(path, int(kept * path.stat().st_size))
    assert cache.load_arrays(path) is None


def test_a_file_with_a_flipped_pixel_is_absent(tmp_path: Path) -> None:
    path = stored(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(PIXELS.tobytes()) + 1000] ^= 1
    path.write_bytes(content)
    assert cache.load_arrays(path) is None


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "pickled.npz"
    np.savez(path, allow_pickle=True, objects=np.array([{}], dtype=object))
    assert cache.load_arrays(path) is None
    with pytest.raises(ValueError, match="Object arrays"):
        cache.store_arrays(tmp_path / "new.npz", objects=np.array([{}], dtype=object))
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_clear_line_and_leaves_nothing_behind(small_disk: Path) -> None:
    with pytest.raises(CacheError) as caught:
        cache.store_arrays(small_disk / "big.npz", pixels=np.zeros(200_000, np.uint8))
    line = str(caught.value)
    assert f"cannot write the cache file {small_disk}/big.npz: No space left on device" in line
    assert "(0 MB free there); free some space or choose another folder with --cache-dir" in line
    assert "\n" not in line
    assert list(small_disk.iterdir()) == []


def test_what_can_be_made_again_is_not_missed_where_the_disk_is_full(small_disk: Path) -> None:
    told = cache.keep_arrays(small_disk / "big.npz", pixels=np.zeros(200_000, np.uint8))
    assert told.startswith(f"; cannot write the cache file {small_disk}/big.npz: No space left")
    assert told.endswith(", so nothing is kept")
    assert "\n" not in told
    assert list(small_disk.iterdir()) == []


def test_of_several_files_a_full_disk_keeps_none(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "small.gz").write_bytes(b"x")
    (tmp_path / "big.gz").write_bytes(bytes(200_000))
    told = cache.keep_files(tmp_path, ["small.gz", "big.gz"], small_disk)
    assert told.startswith(f"; cannot write the cache file {small_disk}/big.gz: No space left")
    assert list(small_disk.iterdir()) == []
    assert cache.keep_files(tmp_path, ["small.gz"], small_disk) == ""
    assert [path.name for path in small_disk.iterdir()] == ["small.gz"]


def test_a_cache_that_will_keep_nothing_is_told_of_first(
    small_disk: Path, read_only_disk: Path, tmp_path: Path
) -> None:
    assert cache.warning(tmp_path / "new/folder") is None
    told = cache.warning(small_disk / "new/folder")
    assert told is not None
    assert told.startswith(f"the cache {small_disk}/new/folder has 0 MB left: what is drawn")
    assert f"the cache {read_only_disk} cannot be written: " in str(cache.warning(read_only_disk))


def test_a_full_disk_keeps_the_file_that_was_there(small_disk: Path) -> None:
    path = small_disk / "arrays.npz"
    cache.store_arrays(path, pixels=PIXELS)
    with pytest.raises(CacheError):
        cache.store_arrays(path, pixels=np.zeros(200_000, np.uint8))
    loaded = cache.load_arrays(path)
    assert loaded is not None
    np.testing.assert_array_equal(loaded["pixels"], PIXELS)


def test_a_file_larger_than_the_users_limit_is_one_clear_line(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(CacheError, match=os.strerror(errno.EFBIG)):
            cache.store_arrays(tmp_path / "big.npz", pixels=np.zeros(200_000, np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_disk_is_one_clear_line(read_only_disk: Path) -> None:
    with pytest.raises(CacheError, match=r"Read-only file system.*; choose .* --cache-dir"):
        cache.store_arrays(read_only_disk / "deeper" / "arrays.npz", pixels=PIXELS)


def test_a_folder_of_somebody_else_is_one_clear_line(tmp_path: Path) -> None:
    path = stored(tmp_path)
    path.chmod(0)
    path.parent.chmod(0o555)
    with unprivileged():
        with pytest.raises(CacheError, match=r"cannot write .*Permission denied.*make it yours"):
            cache.store_arrays(path, pixels=PIXELS)
        with pytest.raises(CacheError, match=r"cannot read .*Permission denied; make it yours"):
            cache.load_arrays(path)


def test_a_file_in_the_folders_place_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(CacheError, match=r"cannot write .*cache/arrays.npz: .*--cache-dir"):
        cache.store_arrays(tmp_path / "cache" / "arrays.npz", pixels=PIXELS)


def test_two_processes_that_store_at_once_never_show_a_mixture(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    cache.store_arrays(path, pixels=np.zeros(100_000, np.uint8))
    program = """
        import sys
        from pathlib import Path
        import numpy as np
        from bench.datasets import cache
        for _ in range(30):
            array = np.full(100_000, int(sys.argv[2]), np.uint8)
            cache.store_arrays(Path(sys.argv[1]), pixels=array)
    """
    with in_child(program, path, 1) as first, in_child(program, path, 2) as second:
        while first.poll() is None or second.poll() is None:
            loaded = cache.load_arrays(path)
            assert loaded is not None
            assert len(set(loaded["pixels"].tolist())) == 1
    assert (first.returncode, second.returncode) == (0, 0)
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_is_killed_leaves_the_old_file_and_its_remains_are_swept(
    tmp_path: Path,
) -> None:
    path = stored(tmp_path)
    program = """
        import sys
        from pathlib import Path
        from bench.datasets import cache
        with cache.replacing(Path(sys.argv[1])) as file:
            file.write(b"half of it")
            file.flush()
            print("written", flush=True)
            sys.stdin.read()
    """
    with in_child(program, path) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.kill()
    assert cache.load_arrays(path) is not None
    (partial,) = path.parent.glob(".*.part")

    stored(tmp_path)
    assert partial.exists(), "it could be another writer's, who is still at it"
    yesterday = partial.stat().st_mtime - cache.ABANDONED_AFTER - 1
    os.utime(partial, (yesterday, yesterday))
    stored(tmp_path)
    assert list(path.parent.iterdir()) == [path]


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    path = stored(tmp_path)
    before = path.read_bytes()

    def write_half() -> None:
        with cache.replacing(path) as file:
            file.write(b"half of it")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_folder_is_the_users_cache_unless_another_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.chdir(tmp_path)
    assert cache.directory() == tmp_path / "grindstone"
    assert cache.directory(Path("~/bench")) == Path("/home/ada/bench")
    assert cache.directory(Path("here")) == tmp_path / "here"


def test_importing_the_cache_and_the_mirrors_loads_nothing_heavy() -> None:
    program = """
        import sys
        import bench.datasets.cache, bench.datasets.mirrors
        print(*{"numpy", "requests", "platformdirs"} & set(sys.modules))
    """
    output, _ = in_child(program).communicate()
    assert output == b"\n"
