"""The files that Grindstone leaves on a host are whole, readable by all, or what they were."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from plugins.modules import host_files

WANTED = '{\n    "schema": 1\n}\n'
ROOT = pytest.mark.skipif(os.getuid() != 0, reason="the files are root's, so it needs root")


@ROOT
def test_a_file_is_written_with_its_folder_and_is_then_as_it_should_be(tmp_path: Path) -> None:
    path = tmp_path / "etc/grindstone/plan.json"
    old = os.umask(0o077)
    try:
        assert host_files.differs(path, WANTED)
        host_files.keep(path, WANTED)
    finally:
        os.umask(old)
    assert json.loads(path.read_text(encoding="utf-8")) == {"schema": 1}
    assert not host_files.differs(path, WANTED)
    assert path.parent.stat().st_mode & 0o777 == 0o755
    assert path.stat().st_mode & 0o777 == 0o644


@ROOT
@pytest.mark.parametrize("how", ["content", "mode", "owner", "link", "missing"])
def test_what_is_not_as_it_should_be_is_seen_and_mended(tmp_path: Path, how: str) -> None:
    path = tmp_path / "plan.json"
    host_files.keep(path, WANTED)
    elsewhere = tmp_path / "elsewhere"
    if how == "content":
        path.write_text("{}", encoding="utf-8")
    elif how == "mode":
        path.chmod(0o600)
    elif how == "owner":
        os.chown(path, 65534, 65534)
    else:
        path.rename(elsewhere)
        if how == "link":
            path.symlink_to(elsewhere)
    assert host_files.differs(path, WANTED)
    host_files.keep(path, WANTED)
    assert not host_files.differs(path, WANTED)
    assert not elsewhere.is_symlink()


def test_a_disk_that_is_full_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.json"
    path.write_text("before", encoding="utf-8")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    with pytest.raises(OSError, match="No space left"):
        host_files.keep(path, WANTED)
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]
    assert path.read_text(encoding="utf-8") == "before"


def test_a_text_is_left_as_it_is_and_a_mapping_becomes_json() -> None:
    assert host_files.as_text("blacklist nouveau\n") == "blacklist nouveau\n"
    assert host_files.as_text('{"a": 1}') == '{"a": 1}'
    assert host_files.as_text({"schema": 1}) == WANTED


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.mkdir()
    assert host_files.differs(path, WANTED)
    assert host_files.difference(path, WANTED)["before"] == ""
    with pytest.raises(OSError) as caught:  # noqa: PT011 (which one is the system's to say)
        host_files.keep(path, WANTED)
    assert host_files.why_not(path, caught.value) == (
        f"{path} is a folder, and a file is to lie there: move it away"
    )
