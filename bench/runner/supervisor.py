"""The parent's side of a training: starts a worker, asks for epochs, survives its death.

    with Training(job, interpreter, limits, folder, listener) as training:
        for epoch in training.epochs():
            ...
        outcome = training.finish()

However the block is left, no child stays behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from bench.errors import WorkerError
from bench.observe.devices import Device
from bench.record.timing import EpochTiming
from bench.workloads.workload import Mode, Workload

Event = dict[str, Any]
Listener = Callable[[Event], None]

_ROOT = Path(__file__).resolve().parents[2]
_LAST_LINES = 12

# The phase in which a worker compiles before the clock starts, and that behind the last epoch.
WARM_UP = "warm-up on random labels"
_EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked to do.

    files: the arrays that `bench.datasets.prepared` laid out, by split and by `x` and `y`.
    images: how many images an epoch trains on.
    evaluate_after: epochs after which the quality is measured too, off the clock.
    mode: `stock`, as anyone would write it, or `tuned`, as fast as TensorFlow does it.
    wait: whether to wait after epoch 1 until `Training.go_on` is called.
    target: the quality to train to, from each of `seeds`; None trains `epochs` from `seed`.
    """

    workload: Workload
    device: Device
    epochs: int
    seed: int
    images: int
    files: Mapping[str, Mapping[str, str]]
    evaluate_after: tuple[int, ...] = ()
    mode: Mode = "stock"
    wait: bool = False
    target: float | None = None
    seeds: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """What a person calls it."""
        to_target = "" if self.target is None else ", to target"
        return title(self.workload, self.device, self.mode) + to_target

    def line(self) -> str:
        """The job as the one line that the worker reads."""
        return json.dumps(
            {
                "workload": self.workload.name,
                "device": self.device.id,
                "replicas": self.device.replicas,
                "epochs": self.epochs,
                "seed": self.seed,
                "data": {split: dict(paths) for split, paths in self.files.items()},
                "evaluate_after": self.evaluate_after,
                "mode": self.mode,
                "wait": self.wait,
                "target": self.target,
                "seeds": self.seeds,
            }
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker may say nothing before it counts as hung, in s.

    start: importing TensorFlow, loading data, building; a cold disk may need minutes.
    first_epoch: on a GPU that the wheel has no kernels for, compiling alone takes minutes.
    epoch: any later epoch, or `patience` times the longest so far where that is more.
    """

    start: float = 300.0
    first_epoch: float = 1800.0
    epoch: float = 120.0
    patience: float = 20.0

    @classmethod
    def all_alike(cls, seconds: float) -> Limits:
        """One limit for every phase, as `--limit` sets it."""
        return cls(start=seconds, first_epoch=seconds, epoch=seconds, patience=0.0)

    def during(self, phase: str, longest_epoch: float) -> float:
        """The limit for what the worker is doing now."""
        if phase in ("epoch 1", WARM_UP):
            return self.first_epoch
        if phase.startswith("epoch") or phase == _EVALUATION:
            return max(self.epoch, self.patience * longest_epoch)
        return self.start


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker reported besides its epochs.

    worker: versions, the device's name and what was pinned, as the worker saw them.
    model: parameter count and `workload_sha256`.
    quality: on the test split after the last epoch, in the workload's metric.
    untrained: the same for the network before its first step.
    memory_peak: bytes that TensorFlow held on the GPU at most; None on the CPU.
    rate: `flop_per_image` of the training and the device's `matrix` rate in FLOP/s.
    """

    worker: Event
    model: Event
    quality: float
    untrained: float
    memory_peak: int | None
    rate: Event | None = None


class Training:
    """A running worker.  Use it as a context manager."""

    def __init__(
        self, job: Job, interpreter: Path, limits: Limits, folder: Path, listener: Listener
    ) -> None:
        self._job = job
        self._interpreter = interpreter
        self._limits = limits
        name = job.title
        self._log = folder / f"{re.sub('[^a-z0-9]+', '-', name)}.log"
        self._keras_home = folder / "keras"
        self._listener = listener
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._seen: dict[str, Event] = {}
        self._phase = "start-up"
        self._longest_epoch = 0.0
        self._oom_kills = _oom_kills()

    def __enter__(self) -> Training:
        try:
            # What killed the process before must not be found in the log of this one.
            self._log.unlink(missing_ok=True)
            log = self._log.open("ab")
        except OSError as error:
            raise WorkerError(
                f"the worker's log {self._log} cannot be made: {error.strerror}; make room there, "
                "or name another place with TMPDIR"
            ) from error
        with log:
            try:
                self._process = subprocess.Popen(
                    [self._interpreter, "-m", "bench.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=self._environment(),
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,  # so that a Ctrl-C is ours to handle
                )
            except OSError as error:
                raise WorkerError(
                    f"the worker's interpreter {self._interpreter} cannot be started: "
                    f"{error.strerror}; name another with --worker-python"
                ) from error
        assert self._process.stdout is not None
        self._tell(self._job.line())
        reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        reader.start()
        self._undertaker = threading.Thread(target=self._end_with_worker, daemon=True)
        self._undertaker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._kill_group()
        self._undertaker.join()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    @property
    def pid(self) -> int:
        """The worker's process id, and the id of the session that all of its processes are in."""
        return self._process.pid

    def epochs(self) -> Iterator[EpochTiming]:
        """Every epoch as it ends.

        Raises:
            WorkerError: the worker died, ran out of memory or hung.
        """
        for _ in range(self._job.epochs):
            yield self._timing(self._wait_for("epoch"))

    def trials(self) -> Iterator[tuple[int, EpochTiming, float]]:
        """Every epoch as it ends, with its seed and the quality after it, where a target was set.

        Raises:
            WorkerError: the worker died, ran out of memory or hung.
        """
        while (event := self._wait_for("epoch", "phase")).get("name") != _EVALUATION:
            if event["event"] == "epoch":
                yield event["seed"], self._timing(event), event["quality"]

    def go_on(self) -> None:
        """Lets a worker that waits after epoch 1 begin the next one."""
        self._tell("go on")

    def finish(self) -> Outcome:
        """The quality, after the last epoch.

        Raises:
            WorkerError: the worker died, ran out of memory or hung.
        """
        quality = self._wait_for("quality")
        return Outcome(
            worker=_without_name(self._seen["ready"]),
            model=_without_name(self._seen["model"]),
            quality=quality["value"],
            untrained=quality["untrained"],
            memory_peak=quality["memory_peak"],
            rate=_without_name(self._seen["rate"]) if "rate" in self._seen else None,
        )

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead already; its events will say so
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _timing(self, event: Event) -> EpochTiming:
        timing = EpochTiming(
            number=event["number"],
            begun=event["begun"],
            ended=event["ended"],
            images=self._job.images,
            loss=event["loss"],
            waited=event.get("waited"),
            paused=event.get("paused"),
        )
        self._longest_epoch = max(self._longest_epoch, timing.seconds)
        self._phase = f"epoch {timing.number + 1}"
        return timing

    def _wait_for(self, *wanted: str) -> Event:
        while True:
            event = self._next_event()
            self._listener(event)
            name = event["event"]
            self._seen[name] = event
            if name == "phase":
                self._phase = event["name"]
            if name == "error":
                raise self._failure(event["message"])
            if name in wanted:
                return event

    def _next_event(self) -> Event:
        limit = self._limits.during(self._phase, self._longest_epoch)
        try:
            event = self._events.get(timeout=limit)
        except queue.Empty:
            raise self._failure(
                f"hung: nothing heard for {limit:g} s (--limit allows more)"
            ) from None
        if event is None:
            raise self._failure(self._cause_of_death())
        return event

    def _read(self, stream: IO[str]) -> None:
        with contextlib.suppress(ValueError):  # closed under us
            for line in stream:
                event = _parsed(line)
                if event is not None:
                    self._events.put(event)
                elif line.endswith("\n"):  # else it is an event that a kill cut short
                    self._keep(line)
        self._events.put(None)

    def _keep(self, line: str) -> None:
        """Puts what was no event with what the worker wrote: a start-up hook may print anything."""
        with contextlib.suppress(OSError), self._log.open("a", encoding="utf-8") as log:
            log.write(line)

    def _end_with_worker(self) -> None:
        """Ends what a dead worker left behind: it may hold the pipe, and keep us waiting for more.

        The worker is left unreaped, so that its process group cannot be another's by now.
        """
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _cause_of_death(self) -> str:
        limit = self._limits.during(self._phase, self._longest_epoch)
        try:
            code = self._process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            return f"hung: it closed its output and had not ended {limit:g} s later"
        told = how_it_ended(code)
        if code < 0 and _oom_kills() > self._oom_kills:
            return f"{told}: the kernel ran out of memory; see `dmesg | tail`"
        if code != 0 and _OUT_OF_MEMORY.search("\n".join(self._lines())):
            return f"{told}: it ran out of memory"
        return told

    def _failure(self, what: str) -> WorkerError:
        job = self._job
        who = job.title
        lines = self._last_lines()
        wrote = ["its last lines:", *(f"    {line}" for line in lines)] if lines else []
        return WorkerError("\n".join([f"{who}: worker {what}, during {self._phase}", *wrote]))

    def _last_lines(self) -> list[str]:
        routine = _ROUTINE if self._job.device.uuid else _ROUTINE_WITHOUT_GPU
        return [line for line in self._lines() if not routine.match(line)][-_LAST_LINES:]

    def _lines(self) -> list[str]:
        """What the worker wrote, less empty lines."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return [line.rstrip() for line in text.splitlines() if line.strip()]

    def _environment(self) -> dict[str, str]:
        """What a worker finds in its environment: what this process has, and its device."""
        return {
            **unbent_environment(),
            **self._job.device.environment,
            "KERAS_BACKEND": "tensorflow",
            "KERAS_HOME": str(self._keras_home),  # no floatx of somebody's ~/.keras
            "PYTHONPATH": str(_ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "1",
        }


def title(workload: Workload, device: Device, mode: Mode) -> str:
    """What a person calls a training: `mlp on cpu`, `mlp on gpu:0, tuned`."""
    return f"{workload.name} on {device.id}" + ("" if mode == "stock" else f", {mode}")


def unbent_environment() -> dict[str, str]:
    """This process's environment, less what would have another Python look for modules here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONSAFEPATH": "1"}


def how_it_ended(code: int) -> str:
    """What a process's return code says, with the signal's name where one ended it."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal: most of them have no name
        return f"killed by signal {-code}"


# What TensorFlow says on every start, on healthy machines, and the addresses that it adds to a
# fatal line: they would hide the line that matters.
_ROUTINE = re.compile(
    r"WARNING: All log messages before absl|.*\bI0000 00:00:|.*oneDNN custom ops"
    r"|.*Unable to register cu|.*TF-TRT Warning"
    r"|\s*@\s+0x[0-9a-f]+|\*\*\* Check failure stack trace"
)
_ROUTINE_WITHOUT_GPU = re.compile(rf"{_ROUTINE.pattern}|.*failed call to cuInit")
# Its own allocators, C++'s and the C library's words for the same.
_OUT_OF_MEMORY = re.compile("ran out of memory|RESOURCE_EXHAUSTED|bad_alloc|annot allocate memory")


def _oom_kills(vmstat: Path = Path("/proc/vmstat")) -> int:
    """How many processes the kernel has killed for want of memory since it booted."""
    for line in vmstat.read_text(encoding="ascii").splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0


def _parsed(line: str) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _without_name(event: Event) -> Event:
    return {key: value for key, value in event.items() if key != "event"}
