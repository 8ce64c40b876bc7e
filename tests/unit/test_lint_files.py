"""`python -m bench lint`: what it reads, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.__main__ import main
from bench.lint import source
from bench.lint.checker import look
from bench.lint.source import read
from docs import lint
from tests.conftest import ROOT

_TRAP = """\
import keras
model = keras.Sequential([keras.layers.Dense(10), keras.layers.Dropout(0.2)])
model.compile("adam", "mse")
"""
Captured = pytest.CaptureFixture[str]


def written(folder: Path, text: str | bytes, name: str = "script.py") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def notebook(*cells: str, **metadata: Any) -> str:
    made = [{"cell_type": "code", "source": each.splitlines(keepends=True)} for each in cells]
    prose: list[dict[str, object]] = [{"cell_type": "markdown", "source": ["# Title"]}]
    return json.dumps({"cells": prose + made, "metadata": metadata, "nbformat": 4})


def test_a_finding_says_where_what_why_and_what_to_do(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, _TRAP)
    assert main(["lint", str(path)]) == 1
    told = capsys.readouterr()
    found, gap, do, *why = told.out.splitlines()
    assert found == (
        f"{path}:2: dropout-last (certain): dropout behind the last layer (Dropout of line 2)"
    )
    assert (gap, do) == ("", "dropout-last: move it before the last layer with weights")
    assert "a quarter of it at 0.2" in " ".join(map(str.strip, why))
    assert "1 finding (1 network, no trainings seen)" in told.err


def test_what_to_do_is_told_once_for_all_findings_and_fits_the_terminal(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    first = written(tmp_path, _TRAP, "first.py")
    second = written(tmp_path, _TRAP + _TRAP, "second.py")
    assert main(["lint", str(first), str(second)]) == 1
    told = capsys.readouterr().out
    findings, advice = told.split("\n\n")
    assert len(findings.splitlines()) == 3
    assert advice.count("dropout-last: move it before the last layer") == 1
    assert max(map(len, advice.splitlines())) <= 60


def test_nothing_found_is_0_and_says_what_was_seen(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, _TRAP.replace(", keras.layers.Dropout(0.2)", ""))
    assert main(["lint", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"{path}: nothing found (1 network, no trainings seen)\n"


def test_findings_as_json_are_a_list_of_objects(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, _TRAP)
    assert main(["lint", "--json", str(path)]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["file"] == str(path)
    assert (found["line"], found["rule"], found["certain"]) == (2, "dropout-last", True)
    assert main(["lint", "--json", str(written(tmp_path, "import keras\n"))]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        ("# lint: ok", []),
        ("# meant so; lint: ok (dropout-last)", []),
        ("# lint: ok(loss-sum, dropout-last)", []),
        ("# lint: ok(loss-sum)", ["dropout-last"]),
        ('; print("# lint: ok")', ["dropout-last"]),
    ],
)
def test_a_comment_says_that_a_line_is_meant(
    tmp_path: Path, comment: str, rules: list[str]
) -> None:
    path = written(tmp_path, _TRAP.replace("0.2)])", f"0.2)]) {comment}"))
    assert [each.rule for each in look(read(path)).findings] == rules


# ---- notebooks


def test_of_a_notebook_the_cell_and_its_line_are_told(tmp_path: Path, capsys: Captured) -> None:
    cells = (
        "%matplotlib inline\nimport keras\nfiles = !ls\n",
        "%%bash\nif [ a ]; then echo; fi\n",
        """!pip install \\
    tea
model = keras.Sequential([keras.layers.Dense(1),
    keras.layers.Dropout(0.2)])
model?
""",
        '%%time\nmodel.compile("adam", "mse")',
    )
    path = written(tmp_path, notebook(*cells), "digits.ipynb")
    assert main(["lint", str(path)]) == 1
    told = capsys.readouterr().out
    assert told.startswith(f"{path}: cell 3, line 4: dropout-last (certain): ")


def test_an_old_notebook_is_read_too(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "input": _TRAP.splitlines(keepends=True)}]
    path = written(tmp_path, json.dumps({"worksheets": [{"cells": cells}]}), "old.ipynb")
    assert [each.rule for each in look(read(path)).findings] == ["dropout-last"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (notebook("if x:\nprint(1)"), "cell 1, line 2: SyntaxError: expected an indented"),
        ("{]", "is no notebook: it is not JSON"),
        ("[1]", "is no notebook: it has no cells as Jupyter writes them"),
        ('{"cells": [{"cell_type": "code"}]}', "is no notebook: it has no cells as Jupyter"),
        (notebook("x <- 1", kernelspec={"language": "R"}), "is a notebook in R, not in Python"),
        (notebook(), "not understood: it imports no Keras"),
    ],
)
def test_what_is_wrong_with_a_notebook_is_one_line(
    tmp_path: Path, capsys: Captured, text: str, told: str
) -> None:
    assert main(["lint", str(written(tmp_path, text, "a.ipynb"))]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_cell_that_is_no_python_is_left_out_and_told(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, notebook("Your code\nhere:", _TRAP), "exercise.ipynb")
    assert main(["lint", str(path)]) == 1
    told = capsys.readouterr()
    assert told.out.startswith(f"{path}: cell 2, line 2: dropout-last (certain): ")
    assert told.err.splitlines()[0] == (
        f"bench: {path}: cell 1, line 1: SyntaxError: invalid syntax; the cell is left out"
    )


def test_a_cell_that_is_indented_as_a_whole_is_python(tmp_path: Path, capsys: Captured) -> None:
    indented = "".join(f"    {line}\n" for line in _TRAP.splitlines())
    assert main(["lint", str(written(tmp_path, notebook(indented), "a.ipynb"))]) == 1
    assert "left out" not in capsys.readouterr().err


# ---- what cannot be looked at

_TORCH = """\
import torch
model = torch.nn.Sequential(torch.nn.Linear(784, 10), torch.nn.Dropout(0.5))
loss = torch.nn.MSELoss(reduction="sum")
for epoch in range(10):
    loss(model(torch.rand(8, 784)), torch.rand(8, 10)).backward()
"""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('exec "hello"\n', "script.py:1: SyntaxError: Missing parentheses in call to 'exec'"),
        ("x = (\n", "script.py:1: SyntaxError: '(' was never closed"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is not text, and a Python script is expected"),
        (b"x = '\xff'\n", "is not text, and a Python script is expected"),
        (b"# coding: tea\n", "is not text, and a Python script is expected: unknown encoding"),
        ("x = " + "(" * 400 + ")" * 400, "script.py:1: SyntaxError: too many nested parentheses"),
        ("x = " + "-" * 100_000 + "1", "script.py:1: "),
        ("x = 1" + "+1" * 30_000, "script.py:1: "),
        ("#" * 2_000_001, "has 2.0 MB, and at most 2 MB are read; name a script"),
        ("import os\n", "not understood: it imports no Keras"),
        ("", "not understood: it imports no Keras"),
        (_TORCH, "script.py:1: not understood: it uses torch, and scripts that use Keras"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line(
    tmp_path: Path, capsys: Captured, content: str | bytes, told: str
) -> None:
    assert main(["lint", str(written(tmp_path, content))]) == 2
    seen = capsys.readouterr()
    (line,) = seen.err.splitlines()
    assert line.startswith("bench: ")
    assert told in line
    assert seen.out == ""


def test_a_name_of_no_file_is_one_line(tmp_path: Path, capsys: Captured) -> None:
    os.mkfifo(tmp_path / "pipe")
    written(tmp_path, "what it's for\n", "notes.md")
    for name, told in (
        ("none.py", "cannot be read: No such file or directory"),
        ("", "is a folder; name its Python files or notebooks"),
        ("pipe", "is no ordinary file"),
        ("notes.md", "notes.md is no Python file and no notebook; name one"),
    ):
        assert main(["lint", str(tmp_path / name)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert told in line


def test_the_other_files_are_looked_at_beside_one_that_cannot_be(
    tmp_path: Path, capsys: Captured
) -> None:
    good, bad = written(tmp_path, _TRAP), written(tmp_path, "x = (", "bad.py")
    assert main(["lint", str(bad), str(good), str(good)]) == 2
    told = capsys.readouterr()
    assert told.out.count("(certain)") == 1
    assert "bad.py:1: SyntaxError" in told.err


def test_a_script_is_read_and_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    text = f"open({str(trace)!r}, 'w')\nimport keras, antigravity_of_nobody\n__import__('os')\n"
    assert look(read(written(tmp_path, text))).findings == ()
    assert not trace.exists()


def test_a_script_that_calls_itself_without_end_is_read_to_its_end(tmp_path: Path) -> None:
    calls = "\n".join(f"def f{n}(x):\n    f{n + 1}(x)\n    f{n + 1}(x)" for n in range(40))
    text = f"import keras\n{calls}\ndef f40(x):\n    f0(x)\nf0(1)\n"
    assert look(read(written(tmp_path, text))).findings == ()


def test_prints_of_python_2_are_read_in_a_script_and_in_a_notebook(tmp_path: Path) -> None:
    printed = (
        f'{_TRAP}print "loss: %.2f" % 0.1  # of the test\nfor each in (1, 2):\n    print each,\n'
    )
    for name, text in (("old.py", printed), ("old.ipynb", notebook(printed))):
        (found,) = look(read(written(tmp_path, text, name))).findings
        assert (found.line, found.rule) == (2, "dropout-last")
    with pytest.raises(source.SourceError, match=r"old.py:4: SyntaxError"):
        source.read(written(tmp_path, f"{_TRAP}exec 'a = 1'\n", "old.py"))


def test_magic_lines_leave_all_others_where_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, notebook("if x:\n    %timeit f()\ny = %sql select\nz = 1"), "a.ipynb")
    assert [node.lineno for node in source.read(path).tree.body] == [1, 3, 4]


# ---- pictures in a folder


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("image_size=(255, 255)", ["squashed"]),
        ("image_size=(240, 320)", []),
        ("image_size=(255, 255), crop_to_aspect_ratio=True", []),
    ],
)
def test_the_pictures_in_a_folder_tell_whether_they_are_squashed(
    tmp_path: Path, options: str, found: list[str]
) -> None:
    (tmp_path / "photos" / "28").mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (640, 480)).save(tmp_path / "photos/28" / f"{number}.png")
    text = f"""\
import keras
train = keras.utils.image_dataset_from_directory("photos", {options})
model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(train)
"""
    findings = look(read(written(tmp_path, text))).findings
    assert [each.rule for each in findings] == found
    if found:
        assert "pictures of 640x480 (3 of those looked at in photos)" in findings[0].what
        assert "0.75 times as wide for their height" in findings[0].what
    other = written(tmp_path, text.replace('"photos"', '"nowhere"'), "other.py")
    assert look(read(other)).findings == ()


# ---- real scripts

_SCRIPTS = sorted((ROOT / "tests/unit/lint").glob("*.py"))
_OWN = sorted((ROOT / "tests/training/own_models").glob("*.py"))
_WORKLOADS = [ROOT / "bench/workloads" / f"{n}.py" for n in ("mnist", "grind", "cifar", "circles")]


@pytest.mark.parametrize("path", _SCRIPTS, ids=lambda path: path.stem)
def test_of_scripts_as_learners_write_them_what_is_marked_is_found(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    marks = [(at, found[1]) for at, line in lines if (found := re.search(r"# trap: (\S+)$", line))]
    looked = look(read(path))
    assert [(each.line, each.rule) for each in looked.findings] == marks
    assert looked.networks


@pytest.mark.parametrize("path", [*_OWN, *_WORKLOADS], ids=lambda path: path.stem)
def test_of_published_networks_nothing_is_said(path: Path) -> None:
    looked = look(read(path))
    assert looked.findings == ()
    assert looked.networks


def test_the_page_is_made_of_the_rules() -> None:
    assert lint.PAGE.read_text(encoding="utf-8") == lint.page()


@pytest.mark.parametrize(("trap", "_against", "named"), lint.OWN)
def test_a_trap_in_our_own_trainings_has_the_test_that_is_named(
    trap: str, _against: str, named: str
) -> None:
    file, _, test = named.partition(": ")
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert f"\ndef {test}(" in text, trap


def test_its_statuses_are_documented() -> None:
    table = (ROOT / "docs/exit-codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `python -m bench lint` \| (\d) \|", table, re.MULTILINE) == list("012")


def test_there_are_scripts() -> None:
    assert len(_SCRIPTS) >= 10
    assert len(_OWN) >= 10
