"""Training inside a container: named by digest, watched by its number, ended with its worker.

The engine is a program that only pretends: it runs the worker where it stands.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest

from bench import options
from bench.errors import GrindstoneError
from bench.runner import events
from bench.runner.container import Image, read_image
from bench.runner.interpreter import CAN_TRAIN
from bench.runner.limits import same_limits
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from tests.support import fake_worker
from tests.support.fake_worker import HEALTHY
from tests.support.program import script
from tests.support.records import CPU, H100
from tests.support.run_settings import chosen

NAME = f"docker.example.org/tensorflow/tensorflow@sha256:{'5f' * 32}"
_JOB = Job("mlp", is_gpu=False, epochs=3, seed=5, data={})


def engine(folder: Path, program: str) -> Image:
    """An engine that writes down what it is asked for, and does as the program says."""
    log = folder / "asked.txt"
    path = script(
        folder / "podman",
        f"#!{sys.executable}\nimport os, subprocess, sys\nwords = sys.argv[1:]\n"
        f"open({str(log)!r}, 'a').write(' '.join(words[:2]) + '\\n')\n{program}\n",
    )
    return Image(path, NAME)


def asked(folder: Path) -> list[str]:
    return (folder / "asked.txt").read_text(encoding="utf-8").splitlines()


# ---- what is named


@pytest.mark.parametrize(
    "name", ["tensorflow/tensorflow", "tensorflow/tensorflow:2.21.0-gpu", f"x@sha256:{'5f' * 31}"]
)
def test_a_tag_is_refused(name: str) -> None:
    with pytest.raises(GrindstoneError, match=rf"--worker-image {re.escape(name)} has no digest"):
        read_image(name, lambda engine: f"/usr/bin/{engine}")


def test_podman_comes_before_docker_and_none_is_said() -> None:
    assert read_image(NAME, lambda name: f"/usr/bin/{name}").engine == Path("/usr/bin/podman")
    docker = {"docker": "/usr/bin/docker"}.get
    assert str(read_image(NAME, docker)) == f"docker {NAME}"
    with pytest.raises(GrindstoneError, match="podman or docker, and neither is here"):
        read_image(NAME, lambda _: None)


# ---- how it is run


def test_a_worker_sees_its_gpu_its_folders_and_nothing_else(tmp_path: Path) -> None:
    odd = tmp_path / "a,b:c"
    command = Image(Path("/usr/bin/podman"), NAME).command(
        "grindstone-1-mlp", H100, {tmp_path: True, odd: False}, {"A": "b=c d"}, tmp_path
    )
    assert command[:4] == ["/usr/bin/podman", "run", "--rm", "--interactive"]
    assert command[4] == "--name=grindstone-1-mlp"
    assert f"--device=nvidia.com/gpu={H100.uuids[0]}" in command
    assert "--network=none" in command
    assert "--env=A=b=c d" in command
    mounts = [next(csv.reader([word.partition("=")[2]])) for word in command if "--mount" in word]
    assert mounts == [
        ["type=bind", f"source={tmp_path}", f"target={tmp_path}"],
        ["type=bind", f"source={odd}", f"target={odd}", "readonly"],
    ]
    assert command[-4:] == ["--entrypoint=python3", NAME, "-m", "bench.worker"]
    of_cpu = Image(Path("/usr/bin/podman"), NAME).command("c", CPU, {}, {}, tmp_path)
    assert not any("nvidia.com" in word for word in of_cpu)


def test_a_worker_in_a_container_trains_is_watched_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("SECRET", "1")
    ready = HEALTHY.replace("begin()", "begin(); say('phase', name=str(os.environ.get('SECRET')))")
    worker = fake_worker.write(tmp_path, ready)
    image = engine(
        tmp_path,
        "if words[0] == 'run':\n"
        "    given = dict(w[6:].split('=', 1) for w in words if w.startswith('--env='))\n"
        f"    os.execve({str(worker)!r}, [{str(worker)!r}, '-m'], given)\n",
    )
    launch = Launch("mlp on cpu", CPU, Path("python3"), same_limits(60.0), tmp_path, image)
    told: list[events.Event] = []
    with WorkerProcess(_JOB, launch, told.append) as process:
        epochs = list(process.epochs())
        outcome = process.outcome()
    assert len(epochs) == 3
    assert outcome.image == NAME
    assert events.Phase("None") in told  # it is not given what is not TensorFlow's
    assert asked(tmp_path) == ["run --rm", "rm --force"]


def test_the_worker_is_watched_by_the_number_it_says(tmp_path: Path) -> None:
    worker = fake_worker.write(tmp_path, HEALTHY)
    text = worker.read_text(encoding="utf-8").replace("replicas=1,", "replicas=1, pid=4242,")
    worker.write_text(text, encoding="utf-8")
    image = engine(
        tmp_path, f"if words[0] == 'run': os.execv({str(worker)!r}, [{str(worker)!r}, '-m'])"
    )
    limits = same_limits(60.0)
    for inside, pid in ((image, 4242), (None, None)):
        launch = Launch("mlp on cpu", CPU, worker, limits, tmp_path, inside)
        with WorkerProcess(_JOB, launch, events.ignore) as process:
            next(process.epochs())
            assert process.pid == (pid or process._process.pid)


# ---- whether it can train


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("sys.exit(1 if 'inspect' in words else 3 if 'run' in words else 0)", "has no TensorFlow"),
        ("sys.exit('Error: no space left' if 'inspect' not in words else 1)", "cannot be fetched"),
        ("sys.exit('Error: crun: mount' if 'run' in words else 0)", "started: Error: crun: mount"),
    ],
)
def test_an_image_that_cannot_train_is_refused_in_a_line(
    tmp_path: Path, program: str, told: str
) -> None:
    with pytest.raises(GrindstoneError, match=told) as refused:
        engine(tmp_path, program).check(60.0, lambda _: None, ["tensorflow"])
    assert "\n" not in str(refused.value)


def test_an_image_that_is_not_here_is_fetched_and_that_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    program = f"sys.exit({CAN_TRAIN} if 'run' in words else 'inspect' in words)"
    engine(tmp_path, program).check(60.0, told.append, ["tensorflow"])
    assert told == [f"fetching {NAME}"]
    assert asked(tmp_path) == ["image inspect", "pull --quiet", "run --rm"]


def test_an_interpreter_beside_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(tmp_path, "")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    image = f"--worker-image={NAME}"
    assert chosen(image).worker_image == Image(tmp_path / "podman", NAME)
    with pytest.raises(GrindstoneError, match="one of them: leave one out"):
        chosen(image, f"--worker-python={sys.executable}")


def settings_of(folder: Path, words: list[str]) -> options.Settings:
    """What the options come to on a host whose plan trains in a container."""
    plan = folder / "plan.json"
    inside = {"engine": "podman", "image": NAME}
    tensorflow = {"version": "", "interpreter": "python3"}
    told = {"stack": "container", "tensorflow": tensorflow, "container": inside}
    plan.write_text(json.dumps(told), encoding="utf-8")
    return chosen(f"--plan={plan}", *words)


def test_the_plan_s_image_is_trained_in_unless_another_place_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(tmp_path, "")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    of_plan = settings_of(tmp_path, [])
    assert of_plan.worker_image == Image(tmp_path / "podman", NAME)
    assert of_plan.worker_chosen_by == f"in podman {NAME}"
    other = NAME.replace("5f", "6a")
    named = settings_of(tmp_path, [f"--worker-image={other}"]).worker_image
    assert named == Image(tmp_path / "podman", other)
    assert settings_of(tmp_path, [f"--worker-python={sys.executable}"]).worker_image is None
    (tmp_path / "podman").unlink()
    with pytest.raises(GrindstoneError, match="and podman is not here; run"):
        settings_of(tmp_path, [])
