from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import GrindstoneError
from bench.runner import interpreter

_WRITTEN: dict[str, Any] = {
    "schema": 1,
    "stack": "tensorflow-2.21-cpu",
    "gpus": [],
    "tensorflow": {"version": "2.21.0", "interpreter": "/opt/grindstone/tensorflow/bin/python"},
}


def test_the_plan_names_the_stack_and_the_interpreter(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(_WRITTEN), encoding="utf-8")
    read = interpreter.read_plan(path)
    assert read is not None
    assert read.interpreter == Path("/opt/grindstone/tensorflow/bin/python")
    assert str(read) == f"{path}: stack tensorflow-2.21-cpu, TensorFlow 2.21.0"


def test_the_plan_names_the_gpus_that_kernels_are_compiled_for(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    compiled = {**_WRITTEN["tensorflow"], "compiled": "GB202 (Blackwell)"}
    path.write_text(json.dumps({**_WRITTEN, "tensorflow": compiled}), encoding="utf-8")
    read = interpreter.read_plan(path)
    assert read is not None
    assert read.compiled == "GB202 (Blackwell)"


def test_a_host_without_provisioning_has_no_plan_and_that_is_no_error(tmp_path: Path) -> None:
    assert interpreter.read_plan(tmp_path / "plan.json") is None
    assert interpreter.read_plan(tmp_path / "grindstone" / "plan.json") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"stack": "tensorflow-2.21-cpu", ',
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"stack": "x", "tensorflow": "2.21.0"}',
        b'{"stack": "x", "tensorflow": {"version": "2.21.0"}}',
        b'{"stack": "x", "tensorflow": {"version": "2.21.0", "interpreter": null}}',
        b"\xff\xfe\x00broken",
    ],
)
def test_a_file_that_is_no_plan_is_refused_in_one_line_with_the_way_out(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(GrindstoneError) as refused:
        interpreter.read_plan(path)
    message = str(refused.value)
    assert message.startswith(f"{path} is not a Grindstone plan file")
    assert "./run site" in message
    assert "\n" not in message


def test_a_plan_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(GrindstoneError, match=r"cannot be read: Is a directory"):
        interpreter.read_plan(tmp_path)


def test_the_plan_names_the_container_that_has_tensorflow(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    inside = {"engine": "podman", "image": "docker.io/a/b@sha256:5f", "packages": ["podman"]}
    path.write_text(json.dumps({**_WRITTEN, "container": inside}), encoding="utf-8")
    read = interpreter.read_plan(path)
    assert read is not None
    assert (read.engine, read.image) == ("podman", "docker.io/a/b@sha256:5f")
    assert str(read) == f"{path}: podman docker.io/a/b@sha256:5f"
