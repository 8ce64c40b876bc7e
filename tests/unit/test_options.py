from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import options as settings
from bench.errors import GrindstoneError
from bench.observe.devices import Device, Found
from bench.options import Settings
from bench.record.repeats import LOOKS
from bench.runner.supervisor import Limits

CPU = Device("cpu", "a processor")
GPUS = Device("gpu:0", "one GPU", "GPU-1"), Device("gpu:1", "another", "GPU-2")
BARE = Found((CPU,), why_no_gpu="no NVIDIA driver is installed")
RIG = Found((CPU, *GPUS), driver="580.95.05")

Chosen = Callable[..., Settings]


@pytest.fixture
def chosen(pytester: pytest.Pytester, tmp_path: Path) -> Chosen:
    """What the options of a command line choose; there is no plan unless one is named."""
    pytester.makeconftest("from bench.options import add_options as pytest_addoption")

    def chosen(*options: str, found: Found = BARE) -> Settings:
        config = pytester.parseconfig(f"--plan={tmp_path / 'no-plan.json'}", *options)
        return settings.read_settings(config, found)

    return chosen


def _refusal(chosen: Chosen, *options: str, found: Found = BARE) -> str:
    with pytest.raises(GrindstoneError) as refused:
        chosen(*options, found=found)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_without_options_it_trains_a_quick_profile_on_every_device(chosen: Chosen) -> None:
    made = chosen(found=RIG)
    assert made.devices == (CPU, *GPUS)
    assert made.devices_asked_for is None
    assert (made.profile, made.seed, made.synthetic) == ("quick", 1, False)
    assert (made.data_dir, made.cache_dir, made.results_dir) == (None, None, Path("results"))
    assert made.limits == Limits()


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--device=cpu"], ["cpu"]),
        (["--device=gpu:1,cpu"], ["gpu:1", "cpu"]),
        (["--device", "gpu:0", "--device", "gpu:1"], ["gpu:0", "gpu:1"]),
        (["--device= cpu , gpu:0", "--device=cpu"], ["cpu", "gpu:0"]),
    ],
)
def test_devices_are_trained_on_in_the_order_asked_for_and_once(
    chosen: Chosen, options: list[str], ids: list[str]
) -> None:
    assert [device.id for device in chosen(*options, found=RIG).devices] == ids


def test_several_gpus_are_trained_on_together_where_that_is_asked_for(chosen: Chosen) -> None:
    made = chosen("--device=cpu,gpus,all", "--mode=stock,tuned", found=RIG)
    assert [device.id for device in made.devices] == ["cpu", "gpus", "all"]
    modes = [made.modes_on(device) for device in made.devices]
    assert modes == [("stock", "tuned"), ("stock",), ("stock", "tuned")]


@pytest.mark.parametrize("device", ["gpus", "all"])
def test_one_gpu_cannot_be_several(chosen: Chosen, device: str) -> None:
    one = Found((CPU, GPUS[0]), driver="580.95.05")
    message = _refusal(chosen, f"--device={device}", found=one)
    assert message == f"no device {device!r} here; there is cpu, gpu:0"


@pytest.mark.parametrize("device", ["gpu:0", "gpu", "GPU:0", "tpu", "", "cpu,", "cpu cpu"])
def test_a_device_that_is_not_here_is_refused_with_those_that_are_and_why(
    chosen: Chosen, device: str
) -> None:
    message = _refusal(chosen, f"--device={device}")
    assert "no device " in message
    assert "there is cpu (no NVIDIA driver is installed)" in message


def test_a_gpu_too_many_is_refused_with_those_that_are_here(chosen: Chosen) -> None:
    message = _refusal(chosen, "--device=gpu:2", found=RIG)
    assert message == "no device 'gpu:2' here; there is cpu, gpu:0, gpu:1, gpus, all"


@pytest.mark.parametrize(
    ("profile", "cpu", "gpu"),
    [
        ("smoke", ("stock",), ("stock",)),
        ("quick", ("stock",), ("stock", "tuned")),
        ("full", ("stock", "tuned"), ("stock", "tuned")),
    ],
)
def test_tuned_is_trained_too_where_it_gains_or_where_there_is_time(
    chosen: Chosen, profile: str, cpu: tuple[str, ...], gpu: tuple[str, ...]
) -> None:
    made = chosen(f"--profile={profile}", found=RIG)
    assert [made.modes_on(device) for device in made.devices] == [cpu, gpu, gpu]


@pytest.mark.parametrize(
    ("options", "modes"),
    [
        (["--mode=tuned"], ("tuned",)),
        (["--mode=tuned,stock"], ("stock", "tuned")),
        (["--mode", "stock", "--mode", "tuned, stock"], ("stock", "tuned")),
    ],
)
def test_modes_asked_for_are_trained_everywhere_stock_first(
    chosen: Chosen, options: list[str], modes: tuple[str, ...]
) -> None:
    assert {chosen(*options, found=RIG).modes_on(device) for device in RIG.devices} == {modes}


@pytest.mark.parametrize("mode", ["fast", "", "Stock", "stock,"])
def test_a_mode_that_there_is_not_is_refused(chosen: Chosen, mode: str) -> None:
    assert re.fullmatch("no mode '.*'; there is stock, tuned", _refusal(chosen, f"--mode={mode}"))


def test_targets_are_trained_to_where_that_is_asked_for_and_nowhere_else(chosen: Chosen) -> None:
    assert not chosen("--profile=full").time_to_target
    assert chosen("--time-to-target").time_to_target


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        ([], ()),
        (["--input=disk"], ("disk",)),
        (["--input=data-dir,memory", "--input=memory"], ("memory", "data-dir")),
    ],
)
def test_images_are_read_on_the_clock_from_where_that_is_asked_for(
    chosen: Chosen, options: list[str], inputs: tuple[str, ...]
) -> None:
    assert chosen(*options).inputs == inputs


def test_a_place_to_read_from_that_there_is_not_is_refused(chosen: Chosen) -> None:
    message = _refusal(chosen, "--input=tape")
    assert message == "no input 'tape'; there is memory, disk, data-dir"


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_numpy_does_not_take_is_refused(chosen: Chosen, seed: int) -> None:
    message = _refusal(chosen, f"--seed={seed}")
    assert message == f"--seed {seed} is out of range; give one from 0 to 4294967295"


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_least_and_the_greatest_seed_are_taken(chosen: Chosen, seed: int) -> None:
    assert chosen(f"--seed={seed}").seed == seed


@pytest.mark.parametrize("limit", ["0", "-5", "nan", "inf", "1e12"])
def test_a_limit_that_is_no_time_is_refused(chosen: Chosen, limit: str) -> None:
    assert "is no time; give seconds above 0" in _refusal(chosen, f"--limit={limit}")


# ---- processes, and what is compared


def test_a_row_is_trained_once_unless_something_is_compared(chosen: Chosen) -> None:
    assert [process.id for process in chosen().trainings] == ["p1"]
    assert chosen("--against=last").looks == LOOKS
    two = chosen("--worker-python=/a/python", "--worker-python=/b/python")
    assert (two.processes, two.looks) == (LOOKS[-1], LOOKS)
    assert len(two.trainings) == 2 * LOOKS[-1]


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_as_many_processes_as_asked_for_are_trained(chosen: Chosen, count: int) -> None:
    assert len(chosen(f"--processes={count}").trainings) == count
    assert chosen(f"--processes={count}").looks == (count,)
    assert len(chosen(f"--processes={count}", "--against=last").trainings) == count


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_a_number_of_processes_that_is_none_is_refused(chosen: Chosen, count: int) -> None:
    message = _refusal(chosen, f"--processes={count}")
    assert message == f"--processes {count} is out of range; give a number from 1 to 1000"


def test_of_two_interpreters_the_first_trains_side_a_and_the_second_side_b(chosen: Chosen) -> None:
    made = chosen("--worker-python=/a/python", "--worker-python=/b/python")
    assert made.interpreter("A") == made.worker_python == Path("/a/python")
    assert made.interpreter("B") == made.second_worker == Path("/b/python")
    assert chosen("--worker-python=/a/python").interpreter(None) == Path("/a/python")


def test_three_interpreters_are_refused(chosen: Chosen) -> None:
    three = [f"--worker-python=/{name}/python" for name in "abc"]
    message = _refusal(chosen, *three)
    assert message == "--worker-python is given 3 times; a comparison has two sides"


def test_two_comparisons_at_once_are_refused(chosen: Chosen) -> None:
    two = ["--worker-python=/a/python", "--worker-python=/b/python"]
    assert "are two comparisons" in _refusal(chosen, *two, "--against=last")


def test_a_limit_holds_in_every_phase(chosen: Chosen) -> None:
    assert chosen("--limit=2.5").limits == Limits.all_alike(2.5)


def _plan(folder: Path, interpreter: str) -> Path:
    path = folder / "plan.json"
    tensorflow = {"version": "2.21.0", "interpreter": interpreter}
    path.write_text(json.dumps({"stack": "s", "tensorflow": tensorflow}), encoding="utf-8")
    return path


def test_the_worker_is_the_one_asked_for_before_the_plans_before_the_running_one(
    chosen: Chosen, tmp_path: Path
) -> None:
    planned = f"--plan={_plan(tmp_path, '/opt/tf/bin/python')}"
    made = chosen(planned, "--worker-python=/mine/python")
    assert (made.worker_python, made.worker_chosen_by) == (
        Path("/mine/python"),
        "--worker-python",
    )
    made = chosen(planned)
    assert (made.worker_python, made.worker_chosen_by) == (
        Path("/opt/tf/bin/python"),
        "the plan on this host",
    )
    made = chosen()
    assert made.worker_python == Path(sys.executable)
    assert "no plan on this host" in made.worker_chosen_by


def test_a_broken_plan_is_refused(chosen: Chosen, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{", encoding="utf-8")
    assert "is no plan of Grindstone's" in _refusal(chosen, f"--plan={tmp_path / 'plan.json'}")


# ---- the worker's interpreter, looked at before anything is drawn or downloaded


def _program(folder: Path, script: str) -> Path:
    path = folder / "python"
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    return path


def _worker_refusal(chosen: Chosen, interpreter: Path) -> str:
    with pytest.raises(GrindstoneError) as refused:
        settings.check_worker(chosen(f"--worker-python={interpreter}"))
    message = str(refused.value)
    assert message.startswith(f"{interpreter} (--worker-python) ")
    assert "\n" not in message
    return message


def test_an_interpreter_that_has_tensorflow_is_taken(chosen: Chosen, worker_python: Path) -> None:
    settings.check_worker(chosen(f"--worker-python={worker_python}"))


def test_the_second_interpreter_is_looked_at_too(chosen: Chosen, tmp_path: Path) -> None:
    good = _program(tmp_path, "#!/bin/sh\n")
    bad = tmp_path / "none"
    made = chosen(f"--worker-python={good}", f"--worker-python={bad}")
    with pytest.raises(GrindstoneError, match=f"^{re.escape(str(bad))} .* cannot be started"):
        settings.check_worker(made)


def test_an_interpreter_that_is_not_there_is_refused(chosen: Chosen, tmp_path: Path) -> None:
    message = _worker_refusal(chosen, tmp_path / "python")
    assert "cannot be started: No such file or directory" in message


def test_a_folder_is_no_interpreter(chosen: Chosen, tmp_path: Path) -> None:
    assert "cannot be started: Permission denied" in _worker_refusal(chosen, tmp_path)


def test_a_python_without_tensorflow_is_refused_with_two_ways_out(
    chosen: Chosen, tmp_path: Path
) -> None:
    # -I -S: the running interpreter, less everything that was installed beside it.
    bare = _program(tmp_path, f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    message = _worker_refusal(chosen, bare)
    assert "has no TensorFlow" in message
    assert "./run site" in message
    assert "--worker-python" in message


def test_a_tensorflow_that_only_this_process_would_find_is_none(
    chosen: Chosen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorflow.py").write_text("", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    bare = _program(tmp_path, f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    assert "has no TensorFlow" in _worker_refusal(chosen, bare)


def test_an_interpreter_killed_as_it_starts_is_refused(chosen: Chosen, tmp_path: Path) -> None:
    message = _worker_refusal(chosen, _program(tmp_path, "#!/bin/sh\nkill -9 $$\n"))
    assert "cannot be started: killed by SIGKILL" in message


def test_an_interpreter_that_does_not_come_back_is_refused(chosen: Chosen, tmp_path: Path) -> None:
    hanging = _program(tmp_path, "#!/bin/sh\nkill -STOP $$\n")
    with pytest.raises(GrindstoneError, match=r"nothing came of it within 0\.5 s"):
        settings.check_worker(chosen(f"--worker-python={hanging}", "--limit=0.5"))
