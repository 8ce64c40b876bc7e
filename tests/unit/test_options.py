from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import options
from bench.errors import GrindstoneError
from bench.observe.devices import Found
from bench.record.repeats import INTERIM_CHECKS
from bench.runner import interpreter, paths
from bench.runner.limits import DEFAULT_LIMITS, same_limits
from bench.runner.row import rows
from tests.conftest import unprivileged
from tests.support.digit_sets import LAYOUTS, Digits, put
from tests.support.program import script
from tests.support.records import CPU, GT1030, H100
from tests.support.run_settings import BARE, chosen

RIG = Found((CPU, H100, GT1030), driver="580.95.05")
ONE = Found((CPU, H100), driver="580.95.05")


def test_pytest_takes_the_options_as_argparse_does(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "from bench import options\n"
        "def pytest_addoption(parser):\n"
        "    options.add_options(parser.getgroup('grindstone').addoption)\n"
    )
    config = pytester.parseconfig("--device=cpu", "--seed=5", "--plan=none.json")
    settings = options.read_settings(config.option, RIG)
    assert (settings.devices, settings.seed, settings.profile) == ((CPU,), 5, "quick")


def test_without_options_it_trains_a_quick_profile_once_on_every_device() -> None:
    made = chosen(found=RIG)
    assert made.devices == RIG.devices
    assert (made.devices_asked_for, made.modes, made.inputs) == (None, None, ())
    assert (made.profile, made.seed, made.synthetic) == ("quick", 1, False)
    assert (made.data_dir, made.cache_dir, made.results_dir) == (None, None, Path("results"))
    assert (made.limits, made.interim_checks) == (DEFAULT_LIMITS, (1,))
    assert not made.time_to_target


def test_a_folder_of_data_is_named_from_the_caller_and_from_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "mine", LAYOUTS["npz"](Digits.drawn()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for word in ("mine", "~/mine", str(tmp_path / "mine")):
        made = chosen("--data-dir", word)
        assert made.data_dir == tmp_path / "mine"
        assert made.data_folder is not None
        assert made.data_folder.holds("mnist")
        assert not made.data_folder.holds("grind")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--results-dir="], "--results-dir names nothing; give DIR"),
        (["--data-dir=~nobody-of-that-name/x"], "there is no such home folder"),
        (["--data-dir=/no/such"], "/no/such cannot be read: No such file or directory; expected"),
        (["--data-dir=/", "--synthetic"], "--synthetic wants none: leave one out"),
        (["--dataset=fashion"], "--dataset fashion-mnist needs its folder: name it with --data-d"),
        (["--dataset=grind"], "grind's has its data alone"),
        (["--dataset=a b"], "is no name; expected fashion-mnist"),
        (["--dataset=k49", "--data-dir=/", "--time-to-target"], "none are known for k49"),
    ],
)
def test_data_that_cannot_be_used_are_refused_before_anything_is_trained(
    words: list[str], told: str
) -> None:
    with pytest.raises(GrindstoneError, match=re.escape(told)) as caught:
        chosen(*words)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("words", "member", "value"),
    [
        (["--device=cpu"], "devices", (CPU,)),
        (["--device=gpu:1,cpu"], "devices", (GT1030, CPU)),
        (["--device", "gpu:0", "--device", "gpu:1"], "devices", (H100, GT1030)),
        (["--device= cpu , gpu:0", "--device=cpu"], "devices", (CPU, H100)),
        (["--device=cpu", "--device=gpu:0"], "devices_asked_for", ("cpu", "gpu:0")),
        (["--mode=tuned"], "modes", ("tuned",)),
        (["--mode=tuned,stock"], "modes", ("stock", "tuned")),
        (["--mode", "stock", "--mode", "tuned, stock"], "modes", ("stock", "tuned")),
        (["--time-to-target"], "time_to_target", True),
        (["--input=disk"], "inputs", ("disk",)),
        (["--input=data-dir,memory", "--input=memory"], "inputs", ("memory", "data-dir")),
        (["--seed=0"], "seed", 0),
        ([f"--seed={2**32 - 1}"], "seed", 2**32 - 1),
        (["--limit=2.5"], "limits", same_limits(2.5)),
        (["--against=last"], "interim_checks", INTERIM_CHECKS),
        (["--against=last", "--processes=7"], "interim_checks", (7,)),
        (["--processes=1000"], "repeats", 1000),
        (["--worker-python=/a/python"], "worker_python", Path("/a/python")),
    ],
)
def test_what_is_asked_for_is_chosen(words: list[str], member: str, value: object) -> None:
    assert getattr(chosen(*words, found=RIG), member) == value


_VARIED = "--batch, --precision, --xla, --steps-per-execution and --design"
_NO_DEVICE = "there is cpu (no NVIDIA driver installed)"


@pytest.mark.parametrize(
    ("words", "found", "told"),
    [
        *(
            ([f"--device={word}"], BARE, f"no device {word!r} here; {_NO_DEVICE}")
            for word in ("gpu:0", "gpu", "GPU:0", "tpu", "cpu cpu")
        ),
        (["--device=cpu,"], BARE, f"no device '' here; {_NO_DEVICE}"),
        (["--device=gpus"], ONE, "no device 'gpus' here; there is cpu, gpu:0"),
        (["--device=all"], ONE, "no device 'all' here; there is cpu, gpu:0"),
        (["--device=gpu:2"], RIG, "no device 'gpu:2' here; there is cpu, gpu:0, gpu:1, gpus, all"),
        *(
            ([f"--mode={word}"], BARE, f"no mode {word!r}; there is stock, tuned")
            for word in ("fast", "Stock")
        ),
        (["--mode=stock,"], BARE, "no mode ''; there is stock, tuned"),
        (["--input=tape"], BARE, "no input 'tape'; there is memory, disk, data-dir"),
        *(
            (
                ["--input=disk", other],
                BARE,
                f"--input trains as published; leave it out, or {_VARIED}",
            )
            for other in ("--batch=64", "--xla=on", "--design=size=96")
        ),
        *(
            (
                [f"--seed={seed}"],
                BARE,
                f"--seed {seed} is out of range; give one from 0 to 4294967295",
            )
            for seed in (-1, 2**32)
        ),
        *(
            (
                [f"--limit={limit}"],
                BARE,
                f"--limit {limit} is no time; give seconds above 0, 1000000 at most",
            )
            for limit in ("0", "-5", "nan", "inf", "1e+12")
        ),
        *(
            (
                [f"--processes={count}"],
                BARE,
                f"--processes {count} is out of range; give a number from 1 to 1000",
            )
            for count in (0, -1, 1001)
        ),
        (["--worker-python=/usr"], BARE, "--worker-python /usr is a folder; name its bin/python"),
        (
            ["--worker-python=/a", "--worker-python=/b"],
            BARE,
            (
                "--worker-python takes one interpreter; to compare two environments, use "
                "`python -m bench compare-envs /a /b`"
            ),
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    words: list[str], found: Found, told: str
) -> None:
    with pytest.raises(GrindstoneError) as refused:
        chosen(*words, found=found)
    assert str(refused.value) == told


def test_two_environments_are_compared_until_it_is_clear() -> None:
    made = chosen(environments=(Path("/a/python"), Path("/b/python")))
    assert made.interpreter("A") == made.worker_python == Path("/a/python")
    assert made.interpreter("B") == made.second_worker == Path("/b/python")
    assert made.interim_checks == INTERIM_CHECKS


@pytest.mark.parametrize(
    ("profile", "cpu", "gpu"),
    [
        ("smoke", ("stock",), ("stock",)),
        ("quick", ("stock",), ("stock", "tuned")),
        ("full", ("stock", "tuned"), ("stock", "tuned")),
    ],
)
def test_tuned_is_trained_too_where_it_gains_or_where_there_is_time(
    profile: str, cpu: tuple[str, ...], gpu: tuple[str, ...]
) -> None:
    made = chosen(f"--profile={profile}", found=RIG)
    assert [made.modes_on(device) for device in made.devices] == [cpu, gpu, gpu]


def test_one_network_over_several_gpus_is_stock_whatever_is_asked_for() -> None:
    made = chosen("--device=cpu,gpus,all", "--mode=stock,tuned", found=RIG)
    assert [device.id for device in made.devices] == ["cpu", "gpus", "all"]
    modes = [made.modes_on(device) for device in made.devices]
    assert modes == [("stock", "tuned"), ("stock",), ("stock", "tuned")]


def test_the_rows_are_every_workload_on_every_device_in_its_modes() -> None:
    made = rows(chosen("--device=cpu,gpus", "--mode=tuned", "--input=disk", found=RIG))
    titles = [row.title for row in made]
    assert titles[:3] == ["post on cpu, tuned", "post on gpus", "post_files_disk on cpu"]
    assert titles[3:5] == ["mlp on cpu, tuned", "mlp on gpus"]
    assert len(titles) == 2 * 5 + 1


def _plan(folder: Path, interpreter: str) -> str:
    path = folder / "plan.json"
    tensorflow = {"version": "2.21.0", "interpreter": interpreter}
    path.write_text(json.dumps({"stack": "s", "tensorflow": tensorflow}), encoding="utf-8")
    return f"--plan={path}"


def test_the_worker_is_the_one_asked_for_before_the_plans_before_the_running_one(
    tmp_path: Path,
) -> None:
    planned = _plan(tmp_path, "/opt/tf/bin/python")
    made = chosen(planned, "--worker-python=/mine/python")
    assert (str(made.worker_python), made.worker_chosen_by) == ("/mine/python", "--worker-python")
    made = chosen(planned)
    assert str(made.worker_python) == "/opt/tf/bin/python"
    assert made.worker_chosen_by == "the plan on this host"
    made = chosen()
    assert made.worker_python == Path(sys.executable)
    assert "no plan on this host" in made.worker_chosen_by


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"stack": ' + b"[" * 9999])
def test_a_broken_plan_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(text)
    with pytest.raises(GrindstoneError, match="is not a Grindstone plan file"):
        chosen(f"--plan={tmp_path / 'plan.json'}")


def test_what_makes_the_same_again_is_kept_as_it_was_said() -> None:
    assert [word for word in chosen().rerun_options if not word.startswith("--plan=")] == []
    of_the_row = ("--device=cpu", "--mode=tuned", "--processes=3", "--batch=8", "--no-page")
    same = ("--profile=smoke", "--synthetic", "--seed=7", "--worker-python=/b/python", "--limit=9")
    made = chosen(*of_the_row, *same, found=RIG)
    assert [word for word in made.rerun_options if not word.startswith("--plan=")] == [
        *("--profile=smoke", "--synthetic", "--seed=7", "--worker-python=/b/python", "--limit=9.0")
    ]


# ---- paths are the caller's


def test_a_home_is_found_behind_an_equals_sign_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["results-dir", "cache-dir", "worker-python", "against", "html"]
    made = chosen(*(f"--{word}=~/{word}" for word in words))
    found = [made.results_dir, made.cache_dir, made.worker_python, made.against, made.html]
    assert [*map(str, found)] == [f"{tmp_path}/{word}" for word in words]


def test_a_page_that_could_not_be_written_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GrindstoneError, match=r"^--html .* is a folder; name a file in it"):
        chosen(f"--html={tmp_path}")
    with pytest.raises(GrindstoneError, match=r"^--html .*: .*/file is no folder; name another"):
        chosen(f"--html={tmp_path / 'file/page.html'}")
    os.mkfifo(tmp_path / "pipe")  # what takes its place is whole, and root may replace /dev/null
    with pytest.raises(GrindstoneError, match=r"^--html .* is no ordinary file; name another"):
        chosen(f"--html={tmp_path / 'pipe'}")
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(GrindstoneError, match=r"^--html .*run.json is there already, and no page"):
        chosen(f"--html={tmp_path / 'run.json'}")
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html>\n<p>of an earlier run", encoding="utf-8")
    assert chosen(f"--html={page}").html == page


def test_an_interpreter_is_found_from_any_folder_and_no_link_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "venv").mkdir()
    link = tmp_path / "venv/python"
    link.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(link.parent))
    for named in ("venv/python", "./venv/../venv/python", "python", str(link)):
        assert chosen(f"--worker-python={named}").worker_python == link


@pytest.mark.parametrize("option", ["--results-dir", "--cache-dir"])
def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GrindstoneError, match=rf"^{option} .*/file/below: .*/file is no folder"):
        chosen(f"{option}={tmp_path / 'file/below'}")
    with pytest.raises(GrindstoneError, match="there is no user ~nobody_of_that_name"):
        chosen(f"{option}=~nobody_of_that_name/x")
    (tmp_path / "closed").mkdir(mode=0o500)
    with unprivileged(), pytest.raises(GrindstoneError, match=r"cannot be written|no folder"):
        paths.folder(option, tmp_path / "closed/new")
    assert not (tmp_path / "closed/new").exists()


# ---- the worker's interpreter, looked at before anything is generated or downloaded


def _bare(options: str) -> str:
    """The running interpreter, less what was installed beside it."""
    return f'#!/bin/sh\nexec "{sys.executable}" {options} "$@"\n'


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (None, "cannot be started: No such file or directory; run `./run site`"),
        ("#!/bin/sh\n", "cannot be started: it is no Python; run `./run site`"),
        ("#!/bin/sh\nkill -9 $$\n", "cannot be started: killed by SIGKILL"),
        ("#!/bin/sh\nkill -STOP $$\n", "cannot be started: nothing came of it within 0.5 s"),
        (_bare("-I -S"), "has no TensorFlow; run `./run site` to install it, or name a Python"),
        (_bare("-S"), "has no TensorFlow"),  # another's PYTHONPATH does not help it
    ],
)
def test_an_interpreter_that_cannot_train_is_refused_with_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, told: str
) -> None:
    (tmp_path / "tensorflow.py").write_text("", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    python = script(tmp_path / "python", program) if program else tmp_path / "python"
    within = 0.5 if "STOP" in (program or "") else 60.0
    with pytest.raises(GrindstoneError) as refused:
        interpreter.check(python, "--worker-python", ["tensorflow"], within)
    message = str(refused.value)
    assert message.startswith(f"{python} (--worker-python) {told}")
    assert "--worker-python" in message.partition(told)[2]
    assert "\n" not in message


def test_an_interpreter_that_leaves_a_child_behind_or_prints_for_ever_is_not_waited_for(
    tmp_path: Path, ended: Callable[[int], bool]
) -> None:
    pid = tmp_path / "pid"
    leaves = f"#!/bin/sh\nsleep 1000 &\necho $! > {pid}\nexit {interpreter.CAN_TRAIN}\n"
    interpreter.check(script(tmp_path / "python", leaves), "--worker-python", ["tensorflow"], 60.0)
    assert ended(int(pid.read_text()))
    prints = script(tmp_path / "python", f"#!/bin/sh\necho $$ > {pid}\nexec yes\n")
    with pytest.raises(GrindstoneError, match=r"nothing came of it within 0\.5 s"):
        interpreter.check(prints, "--worker-python", ["tensorflow"], 0.5)
    assert ended(int(pid.read_text()))


def test_both_interpreters_are_looked_at(tmp_path: Path, worker_python: Path) -> None:
    chosen(f"--worker-python={worker_python}").check_workers()
    none = tmp_path / "none"
    can = script(tmp_path / "python", f"#!/bin/sh\nexit {interpreter.CAN_TRAIN}\n")
    made = chosen(environments=(can, none))
    told = rf"^{re.escape(str(none))} .* cannot be started: .*; name a Python that has TensorFlow$"
    with pytest.raises(GrindstoneError, match=told):  # there is no --worker-python to advise
        made.check_workers()


_OWN = "def model(): pass\ndef data(): pass\n"


def test_a_file_of_ones_own_takes_the_place_of_the_workloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(_OWN, encoding="utf-8")
    (tmp_path / "two.py").write_text(_OWN, encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    made = chosen("--workload=~/own.py", "--workload", str(tmp_path / "two.py"))
    assert [each.path for each in made.workloads] == [tmp_path / "own.py", tmp_path / "two.py"]
    assert [row.title for row in rows(made)] == ["own on cpu", "two on cpu"]


@pytest.mark.parametrize(
    "option", ["--input=disk", "--time-to-target", "--data-dir=/x", "--synthetic"]
)
def test_what_is_for_grindstones_workloads_is_refused_beside_ones_own(
    tmp_path: Path, option: str
) -> None:
    (tmp_path / "own.py").write_text(_OWN, encoding="utf-8")
    name = option.partition("=")[0]
    with pytest.raises(GrindstoneError, match=f"{name} is for Grindstone's workloads"):
        chosen(f"--workload={tmp_path / 'own.py'}", option)
