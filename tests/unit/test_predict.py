"""`predict` and `evaluate`, asking a worker that only pretends: what goes in, and what is told."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import html5lib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.datasets import photographs, pictures
from bench.datasets.dataset import Dataset, Split
from bench.datasets.prepared import Prepared, Store
from tests.support import networks
from tests.support.predicting import ANSWERS, asked, digit, digits, photograph, shots

# ---- predict


def test_each_file_has_a_line_in_their_order(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models")
    files = [photograph(tmp_path / f"{name}.png", light) for name, light in (("b", 30), ("a", 7))]
    done = asked(tmp_path, "predict", model, *files)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"{files[0]}   30.0 s", f"{files[1]}    7.0 s"]
    assert done.stderr == ""


def test_a_digit_is_told_with_its_probability(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models", "mlp")
    done = asked(tmp_path, "predict", model, digit(tmp_path / "x.png", 7))
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'x.png'}  7   90.0 %\n")


def test_what_cannot_be_read_is_a_line_each_and_1_and_the_rest_is_told(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models", "mlp")
    good = digit(tmp_path / "good.png", 3)
    large = digit(tmp_path / "large.png", 3, side=56)
    (tmp_path / "text.png").write_text("no picture", encoding="ascii")
    wrong = [tmp_path / "text.png", tmp_path / "none.png", tmp_path, large]
    done = asked(tmp_path, "predict", model, wrong[0], good, *wrong[1:])
    assert (done.returncode, done.stdout) == (1, f"{good}  3   90.0 %\n")
    told = done.stderr.splitlines()
    assert len(told) == 4
    assert all(line.startswith(f"bench: {path}") for line, path in zip(told, wrong, strict=True))
    assert "56x56 pixels in place of 28x28" in told[3]


def test_where_nothing_can_be_read_no_worker_is_asked(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models", "mlp")
    done = asked(tmp_path, "predict", model, tmp_path / "none.png", worker="sys.exit(9)")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_answers_are_written_for_other_programs(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models", "mlp")
    files = [digit(tmp_path / "x.png", 7), tmp_path / "none.png"]
    done = asked(tmp_path, "predict", "--json", model, *files)
    assert done.returncode == 1
    first, second = json.loads(done.stdout)
    assert (first["label"], first["problem"]) == ("7", None)
    assert first["probability"] == pytest.approx(0.9)
    assert second["label"] is None
    assert "none.png" in second["problem"]
    out = tmp_path / "answers.csv"
    done = asked(tmp_path, "predict", "--csv", f"--out={out}", model, *files)
    assert done.returncode == 1
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["label"] for row in rows] == ["7", ""]
    done = asked(tmp_path, "predict", f"--out={out}", model, *files, worker="sys.exit(9)")
    assert done.stderr == f"bench: --out {out} is there already; name another file, or remove it\n"


def test_a_photograph_is_made_as_those_in_training_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(3)
    path = tmp_path / "photo.png"
    Image.fromarray(draw.integers(0, 256, (480, 640, 3), np.uint8)).save(path)
    seen: list[NDArray[np.uint8]] = []
    model = networks.saved(tmp_path / "models", image=(128, 96, 3))
    ask = np.stack

    def stacked(arrays: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        seen.extend(arrays)
        return ask(arrays)

    monkeypatch.setattr("numpy.stack", stacked)
    done = asked(tmp_path, "predict", model, path)
    assert done.returncode == 0
    expected = photographs.squash(pictures.read(path), (128, 96))
    assert seen[0].tolist() == expected.tolist()


def test_a_network_without_a_number_or_of_another_shape_is_said(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models")
    path = photograph(tmp_path / "a.png", 30)
    nan = ANSWERS.replace('say("done")', 'np.save(asked["answers"], made * np.nan); say("done")')
    done = asked(tmp_path, "predict", model, path, worker=nan)
    assert done.returncode == 1
    assert "answers with no number" in done.stderr
    wide = ANSWERS.replace(
        'say("done")', 'np.save(asked["answers"], np.zeros((1, 5))); say("done")'
    )
    done = asked(tmp_path, "predict", model, path, worker=wide)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "1 number of it is expected" in line


def test_a_worker_that_refuses_the_network_is_one_line(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models")
    path = photograph(tmp_path / "a.png", 30)
    refuses = 'begin()\nsay("error", message="its weights point elsewhere", of_file=True)\n'
    done = asked(tmp_path, "predict", model, path, worker=refuses)
    assert done.returncode == 2
    told = done.stderr
    assert told == "bench: post-cpu.keras on cpu: its weights point elsewhere\n"


# ---- evaluate


def evaluated(folder: Path, *words: str | Path) -> tuple[str, str]:
    """What is printed, and the page."""
    page = folder / "page.html"
    done = asked(folder, "evaluate", *words, f"--html={page}")
    assert done.returncode == 0
    text = page.read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(text)
    return done.stdout, text


def test_photographs_are_judged_beside_the_mean_of_training(tmp_path: Path) -> None:
    data = shots(tmp_path / "data", {20: 20, 30: 30, 40: 50})
    other = np.zeros((1, 4, 4, 3), np.uint8)
    model = networks.saved(tmp_path / "models", trained_on=other, mean=30.0, image=(4, 4, 3))
    out, page = evaluated(tmp_path, model, data)
    # Off by 0, 1, 0, 1, 10 and 11 s; always 30 s: by 10, 10, 0, 0, 10 and 10 s.
    assert out.startswith(
        "post-cpu.keras on cpu: MSE 37.2 s², off by 3.8 s in the mean on 6 pictures"
    )
    row = next(line for line in out.splitlines() if "not trained on" in line)
    assert row.split()[-5:] == ["3.8", "s", "0.44", "67", "%"]
    assert "always 30.0 s, the training mean" in out
    assert "66.7 s²" in out
    assert "WARNING" not in out
    assert "Furthest off:\n  40/1606160001-silvia.png: 40 s, said 51.0 s\n" in out
    assert "predicted against actual" in page
    assert "data:image/png;base64," in page
    assert page.count("<svg") == 1


def test_who_is_judged_on_what_it_was_trained_on_is_told_so(tmp_path: Path) -> None:
    data = shots(tmp_path / "data", {20: 20, 30: 30})
    one = np.full((1, 4, 4, 3), 20, np.uint8)  # of whose shot there is another photograph
    model = networks.saved(tmp_path / "models", trained_on=one, image=(4, 4, 3))
    out, page = evaluated(tmp_path, model, data)
    assert "WARNING: 2 of 4 pictures were trained on, or show a shot that was" in out
    assert "on 2 pictures" in out
    assert [line.strip().split("  ")[0] for line in out.splitlines() if "trained on  " in line] == [
        "not trained on",
        "trained on",
    ]
    assert "WARNING: 2 of 4" in page
    both = np.stack([np.full((4, 4, 3), light, np.uint8) for light in (20, 30)])
    model = networks.saved(tmp_path / "models", trained_on=both, image=(4, 4, 3))
    out, _ = evaluated(tmp_path, model, data)
    assert "trained on every one of these pictures" in out


def test_where_it_is_not_known_what_was_trained_on_that_is_said(tmp_path: Path) -> None:
    data = shots(tmp_path / "data", {20: 20, 30: 30})
    seen = np.zeros((1, 4, 4, 3), np.uint8)
    model = networks.saved(tmp_path / "models", trained_on=seen, image=(4, 4, 3))
    (model.parent / "trained-on-0.npy").unlink()
    out, _ = evaluated(tmp_path, model, data)
    assert "trained on is not known" in out


def test_a_network_no_better_than_the_mean_is_called_so(tmp_path: Path) -> None:
    data = shots(tmp_path / "data", {20: 40, 30: 30, 40: 20})
    seen = np.zeros((1, 4, 4, 3), np.uint8)
    model = networks.saved(tmp_path / "models", trained_on=seen, image=(4, 4, 3))
    out, _ = evaluated(tmp_path, model, data)
    assert "no better than a guess" in out


def test_on_a_narrow_terminal_the_figures_stay_whole(tmp_path: Path) -> None:
    data = shots(tmp_path / "data", {2: 254, 3: 253})
    seen = np.zeros((1, 4, 4, 3), np.uint8)
    model = networks.saved(tmp_path / "models", trained_on=seen, image=(4, 4, 3))
    out, _ = evaluated(tmp_path, model, data)
    (row,) = (line for line in out.splitlines() if "not trained on" in line)
    assert row.split()[3:] == ["4", "63,254", "s²", "251.5", "s", "-253013.00", "0.0", "%"]
    assert "…" not in out


def test_digits_are_judged_on_those_to_test_on(tmp_path: Path) -> None:
    seen = np.full((1, 28, 28, 1), 255, np.uint8)
    model = networks.saved(tmp_path / "models", "mlp", trained_on=seen, mean=None)
    out, page = evaluated(tmp_path, model, digits(tmp_path / "data"))
    assert out.startswith("mlp-cpu.keras on cpu: 96.67 % right on 30 pictures")
    assert "always the most frequent class: 10.00 %" in out
    assert "Most confused: 9 taken for 4 (1)" in out
    assert "Furthest off:\n  9/9.png: 9, said 4 (90 %)\n" in out
    assert page.count("<table>") == 2
    assert "What the pictures show, a row each" in page


def test_a_folder_without_such_pictures_is_refused_in_a_line(tmp_path: Path) -> None:
    model = networks.saved(tmp_path / "models", image=(4, 4, 3))
    (tmp_path / "empty").mkdir()
    for folder in (digits(tmp_path / "digits"), tmp_path / "empty", tmp_path / "none"):
        done = asked(tmp_path, "evaluate", model, folder, "--no-page")
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert str(folder) in line
        assert "--data-dir" not in line
    model = networks.saved(tmp_path / "others", "mlp")
    data = shots(tmp_path / "shots", {20: 20, 30: 30})
    done = asked(tmp_path, "evaluate", model, data, "--no-page")
    assert done.returncode == 2
    assert str(data) in done.stderr


def test_without_a_folder_it_is_judged_on_what_a_run_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = Split(np.full((3, 4, 4, 3), 25, np.uint8), np.array([20, 25, 31], "f4"))
    made = Dataset("grind", "synthetic", "generated", split, split)
    monkeypatch.setattr(Store, "prepare", lambda *_: Prepared(made, {}, made.sha256()))
    model = networks.saved(tmp_path / "models", trained_on=split.x[:1] + 1, image=(4, 4, 3))
    done = asked(tmp_path, "evaluate", model, "--no-page")
    assert done.returncode == 0
    out = done.stdout
    assert "on 3 pictures" in out
    assert "Data: generated" in out
    assert not list(model.parent.glob("*.html"))


def test_the_page_is_beside_the_network_unless_it_is_named(tmp_path: Path) -> None:
    data = shots(tmp_path / "data", {20: 20, 30: 30})
    model = networks.saved(tmp_path / "models", image=(4, 4, 3))
    done = asked(tmp_path, "evaluate", model, data)
    assert done.returncode == 0
    page = model.with_name("post-cpu-evaluation.html")
    assert f"Page: {page}" in done.stdout
    assert page.is_file()
