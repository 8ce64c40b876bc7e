"""A real training of MNIST's networks on other pictures by class: named so, and without floors."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.digit_sets import LAYOUTS, Digits, put
from tests.training.command import Command


def test_letters_are_trained_on_as_what_they_are(command: Command, tmp_path: Path) -> None:
    folder = put(tmp_path / "mine", LAYOUTS["mnist_png"](Digits.drawn(classes=26)))
    ended = command.run("-k", "mlp", f"--data-dir={folder}", "--dataset=letters")
    assert ended.status == 0, ended.output
    result = command.result("mlp")
    assert (result.dataset.name, result.dataset.kind) == ("letters", "real")
    assert (result.quality.floor, result.quality.bound, result.quality.ok) == (None, None, True)
    assert result.model.parameters == 623_290 + 16 * 785, "sixteen outputs more"
    assert "Data: letters" in ended.output
    (record,) = (tmp_path / "results").glob("*.json")
    assert json.loads(record.read_bytes())["settings"]["dataset"] == "letters"
