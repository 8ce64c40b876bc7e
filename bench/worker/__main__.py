"""Trains one workload on one device and tells the parent the epoch times.

    python -m bench.worker        # reads one job (a JSON line) from standard input

What it says (bench.worker.messages) goes to standard output; what the backend prints goes to
standard error.  When its parent is gone (standard input ends), so is the worker.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TextIO

from bench.worker import faults, inspection, libraries, own, prediction, training, traps
from bench.worker.cluster import training as over_machines
from bench.worker.cluster.rendezvous import ClusterError
from bench.worker.design import DesignError
from bench.worker.messages import Error, Job, Libraries, Message, Quality, Say, Unable, line
from bench.worker.own.file import FileError, ModeError


def main() -> int:
    """Reads the job, trains, reports; 0 when the training came to its end."""
    say, parent = _channel_instead_of_stdout(), _channel_instead_of_stdin()
    job = Job.read(parent.readline())
    told_to_go_on = threading.Event()
    threading.Thread(target=_listen, args=(parent, told_to_go_on), daemon=True).start()
    does = {
        "summary": inspection.summary,
        "learning rates": inspection.learning_rates,
        "prediction": prediction.predict,
        "traps": traps.look,
    }
    several = over_machines.train if job.cluster else training.train
    act = does.get(job.purpose, own.train if job.own else several)
    try:
        act(job, _with_libraries(say), told_to_go_on.wait)
    except (ModeError, DesignError) as error:
        say(Unable(str(error)))
        return 1
    except (FileError, ClusterError, prediction.NetworkError) as error:
        say(Error(str(error), of_file=True))
        return 1
    except Exception as error:
        say(Error(faults.in_short(error)))
        if faults.of_backend(error):
            return 1  # its trace would push what the backend logged out of the last lines
        raise
    return 0


def _with_libraries(say: Say) -> Say:
    """Tells before the quality, which is the end, what is loaded: cuDNN loads parts of it late."""

    def tell(message: Message) -> None:
        if isinstance(message, Quality):
            say(Libraries(libraries.foreign()))
        say(message)

    return tell


def _channel_instead_of_stdout() -> Say:
    """Takes standard output for messages; whatever else prints there goes to standard error."""
    stream, worker = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"), os.getpid()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(message: Message) -> None:
        if os.getpid() != worker:
            os._exit(0)  # a copy that a file of one's own has made would train, too
        print(line(message), file=stream, flush=True)

    return say


def _channel_instead_of_stdin() -> TextIO:
    """Takes standard input for the parent's words; whoever else reads finds its end at once."""
    stream = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return stream


def _listen(parent: TextIO, told_to_go_on: threading.Event) -> None:
    """Hears the parent, whose one word is to go on after epoch 1.

    Ends this process as soon as nothing more can come: the parent has died or has had enough.
    """
    while parent.readline():
        told_to_go_on.set()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
