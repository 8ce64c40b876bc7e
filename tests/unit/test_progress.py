from __future__ import annotations

import pytest

from bench.report import progress


def test_where_nobody_watches_a_worker_is_listened_to_in_silence(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    config = pytester.parseconfigure()  # its output is captured, and no terminal
    with progress.shown(config, "mlp on cpu", 3) as listen:
        listen({"event": "phase", "name": "epoch 1"})
        listen({"event": "epoch", "number": 1})
    assert capsys.readouterr() == ("", "")


def test_without_pytests_own_reporter_there_is_no_bar_either(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    config = pytester.parseconfigure("-p", "no:terminal")
    with progress.shown(config, "mlp on cpu", 3) as listen:
        listen({"event": "epoch", "number": 1})
    assert capsys.readouterr() == ("", "")
