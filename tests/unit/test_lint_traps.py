"""Each of a learner's traps: a script that falls into it on purpose, and its twin that does not.

A rule's are the cells of lint/traps/RULE.py, a trap and its twin in turn.  The line that has to be
found ends in `# trap: RULE`; nothing else may be found.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.lint.checker import look
from bench.lint.rules import RULES
from bench.lint.source import read

_HEAD = """\
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.model_selection import KFold, train_test_split
(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x / 255.0, x_test / 255.0
def build(units=64):
    model = keras.Sequential([layers.Flatten(), layers.Dense(units), layers.Dense(10)])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
model = build()
"""
_TRAP, _TWIN = "# %% trap\n", "# %% twin\n"
_FILES = sorted((Path(__file__).parent / "lint/traps").glob("*.py"))
CASES = {
    path.stem: [pair.split(_TWIN) for pair in path.read_text(encoding="utf-8").split(_TRAP)[1:]]
    for path in _FILES
}
_EVERY = [(rule, number) for rule, pairs in CASES.items() for number in range(len(pairs))]


def found(path: Path, text: str) -> list[tuple[int, str]]:
    path.write_text(text, encoding="utf-8")
    return [(each.line, each.rule) for each in look(read(path)).findings]


def marked(text: str) -> list[tuple[int, str]]:
    lines = enumerate(text.splitlines(), start=1)
    return [(at, mark[1]) for at, line in lines if (mark := re.search(r"# trap: (\S+)$", line))]


@pytest.mark.parametrize(("rule", "number"), _EVERY)
def test_a_script_that_falls_into_it_is_told_so(tmp_path: Path, rule: str, number: int) -> None:
    text = _HEAD + CASES[rule][number][0]
    assert {each for _, each in marked(text)} == {rule}
    assert found(tmp_path / "script.py", text) == marked(text)


@pytest.mark.parametrize(("rule", "number"), _EVERY)
def test_its_twin_that_does_it_right_is_left_alone(tmp_path: Path, rule: str, number: int) -> None:
    text = _HEAD + CASES[rule][number][1]
    assert found(tmp_path / "script.py", text) == []


def test_every_rule_has_its_trap() -> None:
    assert {rule.name for rule in RULES} == CASES.keys() | {"squashed"}
