"""The parent's side of a worker: starts it, waits for epochs, survives its death.

    with WorkerProcess(job, launch, listener) as worker:
        for epoch in worker.epochs():
            ...
        outcome = worker.outcome()

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from bench.errors import UnableError, WorkerError, why
from bench.observe import devices
from bench.record.head import Device, Limits
from bench.record.timing import EpochTiming
from bench.runner import events
from bench.runner.container import Image
from bench.runner.interpreter import ROOT, clean_environment, how_it_ended
from bench.runner.limits import limit_during
from bench.runner.worker_log import WorkerLog
from bench.worker import answers, environment, messages
from bench.worker.messages import Job, Message

# A worker is waited for in slices of so many s: a process that was stopped itself, by Ctrl-Z or
# with its container, loses one of them, and not all of a worker's time.
_SLICE = 1.0


def oom_kills(vmstat: Path = Path("/proc/vmstat")) -> int:
    """How many processes the kernel has killed for want of memory since it booted.

    0 where it does not tell: some containers hide all of /proc but processes.
    """
    with contextlib.suppress(OSError):
        for line in vmstat.read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True, slots=True)
class Launch:
    """How a worker is started.

    title: what a person calls its training.
    folder: for its log and its Keras home.
    image: what it runs in, where that is a container; reads: the folders that it reads there.
    """

    title: str
    device: Device
    interpreter: Path
    limits: Limits
    folder: Path
    image: Image | None = None
    reads: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker reported besides its epochs.

    rate: None where it measured none.
    data: of a file of one's own, which the worker alone has run; else None.
    warm: an epoch from files in the page cache, where the timed ones read them from a disk.
    machines: what a training over several came to; else None.
    inference: how fast the network answers, or why that is not known; None where nobody asked.
    unsaved: why the network could not be saved, where it could not.
    libraries: what it had loaded that is not its environment's own; in an image all is the image's.
    """

    ready: messages.Ready
    model: messages.Model
    quality: messages.Quality
    rate: messages.Rate | None
    data: messages.Data | None = None
    warm: messages.Warm | None = None
    image: str | None = None
    machines: messages.Machines | None = None
    unsaved: messages.Unsaved | None = None
    inference: answers.Inference | answers.Unmeasured | None = None
    libraries: messages.Libraries | None = None


class WorkerProcess:
    """A running worker.  Use it as a context manager."""

    def __init__(self, job: Job, launch: Launch, listener: events.Listener) -> None:
        self._job = job
        self._launch = launch
        self._listener = listener
        name = re.sub("[^a-z0-9]+", "-", launch.title)
        self._log = WorkerLog(launch.folder / f"{name}.log")
        self._container = f"grindstone-{os.getpid()}-{name}"
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._reported: dict[type[object], Message] = {}
        self._phase = "start-up"
        self._longest_epoch = 0.0
        self._oom_kills = oom_kills()

    def __enter__(self) -> WorkerProcess:
        self._process = self._start()
        assert self._process.stdout is not None
        self._tell(self._job.line())
        reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        reader.start()
        self._reaper = threading.Thread(target=self._end_with_worker, daemon=True)
        self._reaper.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._kill_group()
        self._reaper.join()
        self._process.wait()
        if self._launch.image:
            self._launch.image.remove(self._container)
        with contextlib.suppress(BrokenPipeError):
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    @property
    def pid(self) -> int:
        """The worker's process id; inside a container it is known once the worker is ready."""
        ready = self._reported.get(messages.Ready)
        if self._launch.image and isinstance(ready, messages.Ready) and ready.pid:
            return ready.pid
        return self._process.pid

    def epochs(self) -> Iterator[EpochTiming]:
        """Every epoch as it ends, the last one included.

        Raises:
            WorkerError: the worker died, ran out of memory or hung.
        """
        while (message := self._next()) != messages.Phase(messages.EVALUATION):
            if isinstance(message, messages.Epoch):
                timing = msgspec.convert(message, EpochTiming, from_attributes=True)
                self._longest_epoch = max(self._longest_epoch, timing.seconds)
                self._phase = f"epoch {timing.number + 1}"
                yield timing

    def go_on(self) -> None:
        """Lets a worker that waits after epoch 1 begin the next one."""
        self._tell(messages.GO_ON)

    def told(self) -> Iterator[Message]:
        """The messages of a worker whose job is no training: an inspection, or a prediction.

        Raises:
            WorkerError: the worker died, ran out of memory or hung.
        """
        while not isinstance(message := self._next(), messages.Done):
            yield message

    def outcome(self, hear: Callable[[Message], object] = lambda _: None) -> Outcome:
        """What it reported, after the last epoch.

        hear: told of every message on the way, as it comes.

        Raises:
            WorkerError: the worker died, ran out of memory or hung.
        """
        while not isinstance(quality := self._next(), messages.Quality):
            hear(quality)
        ready, model = self._report(messages.Ready), self._report(messages.Model)
        image = self._launch.image.name if self._launch.image else None
        return Outcome(
            ready,
            model,
            quality,
            self._maybe(messages.Rate),
            self._maybe(messages.Data),
            self._maybe(messages.Warm),
            image,
            self._maybe(messages.Machines),
            self._maybe(messages.Unsaved),
            self._maybe(answers.Inference) or self._maybe(answers.Unmeasured),
            None if image else self._maybe(messages.Libraries),
        )

    def _maybe(self, kind: type[_M]) -> _M | None:
        message = self._reported.get(kind)
        return message if isinstance(message, kind) else None

    def _report(self, kind: type[_M]) -> _M:
        message = self._maybe(kind)
        if message is None:
            raise self._failure(f"did not report its {kind.__name__.lower()}")
        return message

    def _start(self) -> subprocess.Popen[str]:
        self._log.make()
        if self._job.own and not self._launch.image:
            _share_downloads(self._keras_home)
        with self._log.path.open("ab") as log:
            try:
                return subprocess.Popen(
                    self._command(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env={**clean_environment(), **self._set_here()},
                    # It finds `bench` in the folder that it runs in: PYTHONPATH is a list with
                    # colons, and has no way to write a folder whose name has one.
                    cwd=ROOT,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,  # so that a Ctrl-C is ours to handle
                )
            except OSError as error:
                raise WorkerError(
                    f"the worker's interpreter {self._launch.interpreter} cannot be started: "
                    f"{why(error)}; name another with --worker-python"
                ) from error

    def _command(self) -> list[str]:
        launch = self._launch
        if launch.image is None:
            return [str(launch.interpreter), "-m", "bench.worker"]
        folders = {ROOT / "bench": False, **dict.fromkeys(launch.reads, False), launch.folder: True}
        is_gpu, backend = launch.device.is_gpu, self._job.backend
        # The image has variables of its own: of this process's it takes those that count.
        variables = {
            **environment.variables(os.environ, is_gpu=is_gpu, backend=backend),
            **self._set_here(),
        }
        return launch.image.command(self._container, launch.device, folders, variables, ROOT)

    def _set_here(self) -> dict[str, str]:
        """What is set in a worker's environment, whatever this process has."""
        return {
            **devices.environment(self._launch.device),
            "KERAS_BACKEND": self._job.backend,
            "KERAS_HOME": str(self._keras_home),  # no floatx of somebody's ~/.keras
            "TF_CPP_MIN_LOG_LEVEL": "1",
        }

    @property
    def _keras_home(self) -> Path:
        return self._launch.folder / "keras"

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead already; its messages will say so
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _next(self) -> Message:
        """The next message, told to the listener.

        Raises:
            WorkerError: the worker died, ran out of memory, hung, or says that it cannot go on.
            UnableError: its mode cannot train what the file has.
        """
        silence = self._allowed_silence()
        try:
            message = self._heard(silence)
        except queue.Empty:
            raise self._failure(
                f"hung: nothing heard for {silence:g} s (--limit allows more)"
            ) from None
        if message is None:
            raise self._failure(self._cause_of_death())
        if isinstance(message, messages.Unable):
            raise UnableError(message.reason)
        if isinstance(message, messages.Error):
            if message.of_file:  # it names the line: what was logged besides would hide it
                told = self._why_processes_end() or message.message
                raise WorkerError(f"{self._launch.title}: {told}")
            raise self._failure(message.message)
        self._reported[type(message)] = message
        if isinstance(message, messages.Phase):
            self._phase = message.name
            self._listener(events.Phase(message.name))
        elif isinstance(message, messages.Data):
            for told in message.not_finite:
                self._listener(events.Noted(f"{self._job.workload}: {told}"))
        elif isinstance(message, messages.Epoch):
            seconds = message.ended - message.begun
            reached = message.loss, message.quality
            self._listener(events.EpochEnded(message.number, seconds, message.seed, *reached))
        return message

    def _heard(self, silence: float) -> Message | None:
        """What comes within so many s.

        Raises:
            queue.Empty: nothing did.
            WorkerError: nothing ever will.
        """
        left = silence
        while left > 0:
            with contextlib.suppress(queue.Empty):
                return self._messages.get(timeout=min(left, _SLICE))
            if told := self._why_processes_end():
                raise WorkerError(f"{self._launch.title}: {told}")
            left -= _SLICE
        return self._messages.get_nowait()

    def _why_processes_end(self) -> str:
        """What a file of one's own waits for in vain until its data are there; "" for nothing."""
        if self._job.own is None or messages.Data in self._reported:
            return ""
        return self._log.why_processes_end(Path(self._job.own.path))

    def _read(self, stream: IO[str]) -> None:
        try:
            with contextlib.suppress(ValueError):  # closed under us
                for line in stream:
                    message = _message(line)
                    if message is not None:
                        self._messages.put(message)
                    elif line.endswith("\n"):  # else it is a message that a kill cut short
                        self._log.add(line)
        finally:
            self._messages.put(None)

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
        silence = self._allowed_silence()
        try:
            code = self._process.wait(timeout=silence)
        except subprocess.TimeoutExpired:
            return f"hung: it closed its output and had not ended {silence:g} s later"
        told = how_it_ended(code)
        if code < 0 and oom_kills() > self._oom_kills:
            return f"{told}: the kernel ran out of memory; see `dmesg | tail`"
        if code != 0 and self._log.tells_of_memory():
            return f"{told}: it ran out of memory"
        return told

    def _allowed_silence(self) -> float:
        return limit_during(self._launch.limits, self._phase, self._longest_epoch)

    def _failure(self, what: str) -> WorkerError:
        is_gpu = self._launch.device.is_gpu
        lines = self._log.last_lines(is_gpu=is_gpu)
        wrote = ["its last lines:", *(f"    {line}" for line in lines)] if lines else []
        told = f"{self._launch.title}: worker {what}, during {self._phase}"
        if is_gpu and (cause := self._log.cause(what)):
            told = f"{told}; {cause}"
        return WorkerError("\n".join([told, *wrote]))


def _share_downloads(home: Path) -> None:
    """Lets a file of one's own find what Keras has downloaded before: data sets and weights."""
    theirs = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))  # noqa: PTH111
    for name in ("datasets", "models"):
        with contextlib.suppress(OSError):  # it is linked already, or nobody's
            home.mkdir(exist_ok=True)
            if (theirs / name).is_dir():
                (home / name).symlink_to((theirs / name).absolute())


def _message(line: str) -> Message | None:
    """A line as the message that it is; None where it is none."""
    try:
        members = json.loads(line)  # unlike msgspec it takes the NaN of a loss that diverged
        kind = messages.KINDS[members.pop("event")]
        return msgspec.convert(members, kind)
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return None
