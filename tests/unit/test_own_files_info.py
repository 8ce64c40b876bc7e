"""What of Grindstone's is found on a host: below every prefix it has had, and nobody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.module_utils.own_prefixes import PLAN, REMEMBERED, prefixes
from plugins.modules import host_ledger, own_files_info
from tests.support.files import lay


def test_every_prefix_is_remembered_as_long_as_it_is_there(tmp_path: Path) -> None:
    for name in ("opt/grindstone", "data/grindstone", "srv/planned"):
        (tmp_path / name).mkdir(parents=True)
    lay(tmp_path / REMEMBERED, json.dumps(["/opt/grindstone", "/data/grindstone", "/gone", 7]))
    lay(tmp_path / PLAN, json.dumps({"tensorflow": {"prefix": "/srv/planned/tensorflow"}}))
    assert prefixes(tmp_path) == ["/data/grindstone", "/opt/grindstone", "/srv/planned"]


@pytest.mark.parametrize(
    "said", ["", '{"tensorflow": {"pre', "[]", '{"tensorflow": 1}', "[" * 9999]
)
def test_half_a_plan_or_another_s_file_is_taken_for_none(tmp_path: Path, said: str) -> None:
    lay(tmp_path / PLAN, said)
    lay(tmp_path / REMEMBERED, said)
    assert prefixes(tmp_path) == []
    (tmp_path / PLAN).unlink()
    (tmp_path / PLAN).mkdir()
    assert prefixes(tmp_path) == []


def test_an_environment_of_ours_goes_and_one_of_somebody_else_s_stays(tmp_path: Path) -> None:
    prefix = tmp_path / "opt/grindstone"
    lay(prefix / "tensorflow/pyvenv.cfg", "home = /usr/bin\n")
    lay(prefix / "tools/packages.txt", "uv-1\n")
    lay(prefix / "tensorflow.new/pyvenv.cfg", "home = /usr/bin\n")
    (prefix / ".lock").mkdir()
    goes, stays = own_files_info.own(prefix)
    assert goes == [prefix / "tensorflow.new", prefix / "tools", prefix / ".lock"]
    assert stays == [prefix / "tensorflow"]


@pytest.mark.parametrize(
    "said", [b'{"state": "open", "pack', b"\xff\xfe", b"[]", b'{"state": "closed"}', b"", None]
)
def test_a_damaged_ledger_is_named_with_the_command_that_goes_on_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes | None
) -> None:
    monkeypatch.setattr(host_ledger, "LEDGERS", tmp_path)
    path = tmp_path / "tensorflow.json"
    if said is None:
        path.mkdir()
    else:
        path.write_bytes(said)
    with pytest.raises(ValueError, match="is damaged") as caught:
        host_ledger.Ledger("tensorflow", act=True)
    assert f"rm -r {path}, then run the same command again" in str(caught.value)
