"""docs/exit-codes.md says what the commands do.  How a run ends: test_pytest_run.py, too."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import __main__ as verbs
from bench.compare.compare import Compared, exit_status
from bench.record import codec
from tests.conftest import ROOT
from tests.support import records
from tests.support.program import Ended, python, to_the_end

_TABLE = (ROOT / "docs/exit-codes.md").read_text(encoding="utf-8")
_ROW = re.compile(r"\| `([^`]+)` \| (\d+) \| (.+) \|")
DOCUMENTED = {(command, int(status)) for command, status, _ in _ROW.findall(_TABLE)}


def _compared(words: Sequence[str]) -> list[Compared]:
    name = ("mlp", records.CPU, "stock")
    return [Compared(name, word, None, None) for word in words]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["SAME"], 0),
        (["FASTER", "UNCLEAR", "not comparable"], 0),
        (["SAME", "SLOWER", "UNCLEAR"], 1),
        (["UNCLEAR"], 2),
        (["not comparable", "UNCLEAR"], 2),
        (["not comparable"], 2),
        ([], 2),
    ],
)
def test_a_comparison_without_an_answer_is_no_success(words: list[str], status: int) -> None:
    assert exit_status(_compared(words)) == status
    assert ("python -m bench compare", status) in DOCUMENTED


def _record(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(codec.encode(records.record([records.failed("mlp", records.CPU, "killed")])))
    return path


def test_two_records_in_which_nothing_counts_are_compared_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = _record(tmp_path, "a.json"), _record(tmp_path, "b.json")
    assert verbs.main(["compare", str(a), str(b)]) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("verb", ["show", "compare"])
def test_a_record_that_cannot_be_read_is_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    missing = [str(tmp_path / "none.json")] * (2 if verb == "compare" else 1)
    assert verbs.main([verb, *missing]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bench: ")
    assert (f"python -m bench {verb}", 2) in DOCUMENTED


def test_a_record_is_shown_with_0_whatever_its_run_came_to(tmp_path: Path) -> None:
    assert verbs.main(["show", str(_record(tmp_path, "a.json"))]) == 0
    assert ("python -m bench show", 0) in DOCUMENTED


@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_verb_that_is_ended_from_outside_says_so(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trains(_: object) -> int:
        signal.raise_signal(number)
        return 0

    monkeypatch.setattr("bench.report.records.show", trains)
    assert verbs.main(["show", "a.json"]) == 128 + number
    (line,) = capsys.readouterr().err.splitlines()
    assert line == ("bench: interrupted" if number == 2 else f"bench: ended by {number.name}")
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN


@pytest.mark.parametrize("verb", ["list", "show", "export"])
def test_an_output_without_room_is_2_and_one_line(tmp_path: Path, verb: str) -> None:
    run = _record(tmp_path, "a.json")
    words = {"list": f"--results-dir={tmp_path}", "show": f"{run}", "export": f"--csv {run}"}
    command = [sys.executable, "-m", "bench", verb, *words[verb].split()]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert ended.returncode == 2
    (line,) = ended.stderr.decode().splitlines()
    assert line.startswith("bench: the output cannot be written: No space left on device")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_its_streams_a_verb_does_its_work_and_writes_no_other_file(
    tmp_path: Path, closed: str
) -> None:
    out = tmp_path / "a.csv"
    run = f"{sys.executable} -m bench export {_record(tmp_path, 'a.json')} --csv"
    for option in ("", f"--out {out}"):
        command = ["sh", "-c", f"{run} {option} {closed}"]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    assert out.read_text(encoding="utf-8").startswith("run,started,")


def test_a_python_that_lacks_what_it_takes_is_told_in_one_line() -> None:
    done = to_the_end([sys.executable, "-S", "-m", "bench", "list"], cwd=ROOT)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bench: {sys.executable} has no msgspec, ")
    assert ("python -m bench", 1) in DOCUMENTED


@pytest.mark.parametrize("encoding", ["ascii", "utf-8:strict"])
def test_a_name_that_the_output_has_no_characters_for_is_printed(
    tmp_path: Path, encoding: str
) -> None:
    run = _record(tmp_path, "é\udcff.json")
    command = [sys.executable, "-m", "bench", "page", str(run)]
    variables = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["evidence", "--workload", "tea"], "argument --workload: invalid choice: 'tea' (choose "),
        (["compair"], "there is no verb compair (do you mean compare?); `python -m bench --help`"),
        (["mlp"], "there is no verb mlp; what is trained is chosen by `pytest bench/ -k mlp`;"),
        (["post"], "there is no verb post; what is trained is chosen by `pytest bench/ -k post`;"),
        (["tea"], "there is no verb tea; `python -m bench --help` lists what there is"),
        (["show"], "the following arguments are required: RUN; `python -m bench show --help`"),
        ([], "the following arguments are required: VERB; `python -m bench --help` lists"),
        (["list", "--sinse=7"], "unrecognized arguments: --sinse=7; `python -m bench list --help`"),
        (["fleet", "a", "-x"], "unrecognized arguments: -x; `python -m bench fleet --help`"),
    ],
)
def test_a_mistyped_word_is_2_and_one_line_that_says_where_the_right_ones_are(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        verbs.main(words)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {told}")
    assert ("python -m bench", 2) in DOCUMENTED


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--seeds=0", "--seeds 0 is out of range; give 1 or more"),
        ("--data-dir=", "--data-dir names nothing; give DIR, or leave it out"),
        ("--cache-dir=/dev/null/x", "--cache-dir /dev/null/x: /dev/null is no folder"),
    ],
)
def test_evidence_that_could_not_be_gathered_is_2_and_one_line(
    option: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verbs.main(["evidence", option]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {told}")
    assert ("python -m bench evidence", 2) in DOCUMENTED


@pytest.mark.parametrize("verb", ["compare", "completion", "experiment", "merge", "recipe"])
def test_help_fits_the_terminal(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        verbs.main([verb, "--help"])
    told = capsys.readouterr().out.partition("\n\n")[2]
    assert max(map(len, told.splitlines())) <= 80
    assert "\n\n" in told, "paragraphs stay apart"


def test_every_verb_has_its_rows() -> None:
    told = set(
        re.findall(r"[\w-]+", " ".join(re.findall(r"^\| (`[^|]*) \|", _TABLE, re.MULTILINE)))
    )
    listed = verbs.parser().format_help().partition("VERB\n")[2].partition("options:")[0]
    assert {*re.findall(r"^    ([a-z-]+)", listed, re.MULTILINE)} - told == {"completion"}


def _pytest(*options: str, folder: Path) -> Ended:
    return python(
        *("pytest", "bench/", "--plan=/nonexistent/plan.json"),
        *(f"--results-dir={folder}", "-p", "no:cacheprovider", *options),
        env={name: text for name, text in os.environ.items() if not name.startswith("PYTEST")},
    )


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["-k", "tea"], 5, "-k tea chooses nothing; there are mlp, cnn_simple, cnn_large, "),
        (["--device=gpu:99"], 4, "no device 'gpu:99' here"),
    ],
)
def test_a_run_that_trains_nothing_has_its_status_and_says_what_there_is(
    tmp_path: Path, options: list[str], status: int, told: str
) -> None:
    done = _pytest(*options, folder=tmp_path / "results")
    assert done.returncode == status
    assert told in done.stdout + done.stderr
    assert ("pytest bench/", status) in DOCUMENTED
    assert not (tmp_path / "results").exists()


def test_every_status_of_a_run_is_in_the_table() -> None:
    told = {status for command, status in DOCUMENTED if command == "pytest bench/"}
    assert told == {0, 1, 2, 4, 5, 128 + signal.SIGHUP, 128 + signal.SIGTERM}
