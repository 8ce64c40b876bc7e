"""How what a run has not trained is trained: the command, for every way that a run was called."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.runner import rest
from bench.runner.row import Row
from bench.workloads import EVERY
from bench.workloads.own import OwnWorkload
from tests.conftest import ROOT
from tests.support.records import CPU

_MLP, _LAST = (Row(EVERY[name], CPU) for name in ("mlp", "last"))
_OWN = Row(OwnWorkload("mine", Path("/mine.py"), "5f"), CPU)


@pytest.mark.parametrize(
    ("words", "rows", "told"),
    [
        ([str(ROOT / "bench")], [_MLP], "-k mlp"),
        (["bench/", "-kmlp or last", "--lf"], [_LAST, _MLP], "-k 'last or mlp'"),
        (["bench/", "-x", "--batch=8", "-k", "mlp"], [_MLP, _MLP], "-x --batch=8 -k mlp"),
        (["bench/test_mnist.py"], [_MLP], "bench/test_mnist.py -k mlp"),
        (["--workload=/a.py", "--workload", "/mine.py"], [_OWN], "--workload=/mine.py"),
    ],
)
def test_the_command_is_what_was_typed_with_another_choice_of_rows(
    monkeypatch: pytest.MonkeyPatch, words: list[str], rows: list[Row], told: str
) -> None:
    monkeypatch.chdir(ROOT)
    line = rest.line([(row.title, row) for row in rows], 9, words)
    assert line.startswith(f"Not trained: {len(rows)} of 9: {rows[0].title}")
    assert line.endswith(f"pytest bench/ {told}")
