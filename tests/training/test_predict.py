"""A real run saves its network, which then predicts and is judged by the commands for that."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.record.artifacts import models
from bench.record.model import Finished
from tests.conftest import ROOT
from tests.support.program import to_the_end
from tests.training.command import PATIENCE, Command, Ended


@pytest.fixture(scope="module")
def network(module_command: Command) -> Path:
    ended = module_command.run("-k", "mlp", "--device=cpu", "--save-models", "--no-page")
    assert ended.status == 0, ended.output
    result = module_command.result("mlp")
    assert isinstance(result, Finished)
    assert result.saved is not None
    assert result.saved.value is not None, result.saved.why
    (record,) = module_command.results.glob("*.json")
    assert f"Models: {models(record)}" in ended.output
    return models(record) / result.saved.value.file


def bench(command: Command, verb: str, *words: str | Path) -> Ended:
    fixed = (f"--worker-python={command.worker_python}", "--plan=/nonexistent/plan.json")
    done = to_the_end(
        [sys.executable, "-m", "bench", verb, *map(str, words), "--device=cpu", *fixed],
        cwd=ROOT,
        env=command.environment(),
        timeout=PATIENCE,
    )
    return Ended(done.returncode, done.stdout + done.stderr)


def test_it_is_judged_on_digits_that_it_was_not_trained_on(
    module_command: Command, network: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    cache = f"--cache-dir={module_command.cache}"
    ended = bench(module_command, "evaluate", network, "--synthetic", cache, f"--html={page}")
    assert ended.status == 0, ended.output
    reached = re.match(r"mlp-cpu\.keras on cpu: ([\d.]+) % right on 10,000 pictures", ended.output)
    assert reached is not None, ended.output
    recorded = module_command.result("mlp").quality.value
    assert float(reached[1]) / 100 == pytest.approx(recorded, abs=0.1)  # on the first ones of them
    assert "not trained on" in ended.output
    assert "WARNING" not in ended.output
    assert page.read_text(encoding="utf-8").count("data:image/png;base64,") == 1
    assert module_command.left_behind() == []


def test_it_says_what_a_picture_shows_and_what_cannot_be_read(
    module_command: Command, network: Path, tmp_path: Path
) -> None:
    with np.load(next(module_command.cache.rglob("drawn-digits-*.npz"))) as drawn:
        digits = drawn["test_x"][:8, ..., 0]
    files = [tmp_path / f"{number}.png" for number in range(len(digits))]
    for file, digit in zip(files, digits, strict=True):
        Image.fromarray(digit).save(file)
    ended = bench(module_command, "predict", network, *files, tmp_path / "none.png")
    assert ended.status == 1
    told = ended.output.splitlines()
    assert told[:-1] == [line for line in told if re.fullmatch(r"\S+\.png  \d  +[\d.]+ %", line)]
    assert len(told) == 9
    assert told[-1] == f"bench: {tmp_path / 'none.png'} is not there"
