"""Training inside a container: an image with TensorFlow, named by its digest, and its engine.

The container shares the process numbers of this machine, so that the worker is watched like any
other, and gets its GPUs by CDI.  It has no network.  When the worker's input ends, so does the
worker, and with it the container; what an engine leaves behind all the same is removed.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import GrindstoneError, why
from bench.record.head import Device
from bench.runner.interpreter import CAN_TRAIN, lacking, probe
from bench.workloads.backend import Backend

ENGINES = ("podman", "docker")
_BY_DIGEST = re.compile(r"[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}")
PYTHON = "python3"
# Some GB over a slow line.
_PULL_WITHIN, _REMOVE_WITHIN = 3 * 3600.0, 60.0


@dataclass(frozen=True, slots=True)
class Image:
    """What workers run in.

    name: with its digest: a tag may be another image tomorrow.
    """

    engine: Path
    name: str

    def __str__(self) -> str:
        return f"{self.engine.name} {self.name}"

    def command(
        self,
        container: str,
        device: Device,
        folders: Mapping[Path, bool],
        environment: Mapping[str, str],
        work: Path,
    ) -> list[str]:
        """The command that runs a worker.

        container: its name.
        folders: seen inside where they lie outside; whether they may be written to.
        """
        return [
            *(str(self.engine), "run", "--rm", "--interactive", f"--name={container}"),
            *("--pid=host", "--ipc=host", "--network=none", f"--workdir={work}"),
            *self._as_this_user(),
            *(f"--device=nvidia.com/gpu={uuid}" for uuid in device.uuids),
            *(f"--mount={_mount(folder, writable)}" for folder, writable in folders.items()),
            *(f"--env={name}={value}" for name, value in environment.items()),
            *(f"--entrypoint={PYTHON}", self.name, "-m", "bench.worker"),
        ]

    def remove(self, container: str) -> None:
        """Ends a container that outlived its worker; there is none as a rule."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [self.engine, "rm", "--force", container],
                capture_output=True,
                check=False,
                timeout=_REMOVE_WITHIN,
            )

    def check(
        self, within: float, telling: Callable[[str], None], backends: Sequence[Backend]
    ) -> None:
        """Fetches the image where it is not here, and refuses one that cannot train.

        within: how long it may take to start, in s.
        telling: told what takes long.

        Raises:
            GrindstoneError: it cannot be fetched or started, or lacks a backend.
        """
        if self._run(["image", "inspect", self.name], within)[0] != 0:
            telling(f"fetching {self.name}")
            code, said = self._run(["pull", "--quiet", self.name], _PULL_WITHIN)
            if code != 0:
                raise GrindstoneError(f"{self} cannot be fetched: {said}")
        run = ["run", "--rm", "--network=none", f"--entrypoint={PYTHON}", self.name]
        code, said = self._run([*run, *probe(backends)], within)
        if what := lacking(code, backends):
            raise GrindstoneError(f"{self} has no {what}; name another with --worker-image")
        if code != CAN_TRAIN:
            raise GrindstoneError(f"{self} cannot be started: {said}")

    def _run(self, words: list[str], within: float) -> tuple[int, str]:
        """The exit status and the last line of what it said."""
        try:
            ended = subprocess.run(
                [self.engine, *words],
                capture_output=True,
                check=False,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=within,
            )
        except subprocess.TimeoutExpired:
            return 1, f"nothing came of it within {within:g} s"
        except OSError as error:
            return 1, why(error)
        lines = [line for line in ended.stderr.splitlines() if line.strip()]
        return ended.returncode, lines[-1] if lines else f"exit status {ended.returncode}"

    def _as_this_user(self) -> Iterable[str]:
        if os.getuid() == 0:
            return ()
        if self.engine.name == "podman":
            return ("--userns=keep-id",)
        return (f"--user={os.getuid()}:{os.getgid()}",)


def read_image(
    name: str, which: Callable[[str], str | None] = shutil.which, of_plan: str = ""
) -> Image:
    """The image that was named, and the engine that is here.

    of_plan: the engine of the plan on this host, whose image it is; "" for any.

    Raises:
        GrindstoneError: it is not named by its digest, or there is no engine.
    """
    if not _BY_DIGEST.fullmatch(name):
        raise GrindstoneError(
            f"--worker-image {name} has no digest; name it as IMAGE@sha256:…, which "
            "`podman image inspect --format '{{.Digest}}' IMAGE` prints"
        )
    engines = (of_plan,) if of_plan else ENGINES
    found = next((path for each in engines if (path := which(each))), None)
    if found is None and of_plan:
        raise GrindstoneError(
            f"the plan on this host trains by {of_plan} in {name}, and {of_plan} is not here; run "
            "`./run site`, or name a Python that has TensorFlow with --worker-python"
        )
    if found is None:
        raise GrindstoneError(
            f"--worker-image takes {' or '.join(ENGINES)}, and neither is here; install one, and "
            "for GPUs nvidia-container-toolkit-base"
        )
    return Image(Path(found), name)


def _mount(folder: Path, writable: bool) -> str:
    """A folder as `--mount` takes it: fields of CSV, as its path may have a comma."""
    row = io.StringIO()
    fields = ["type=bind", f"source={folder}", f"target={folder}"]
    csv.writer(row, lineterminator="").writerow(fields if writable else [*fields, "readonly"])
    return row.getvalue()
