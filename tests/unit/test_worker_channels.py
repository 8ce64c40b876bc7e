"""What a worker's standard input and output are to the file that it runs: not its parent's."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.worker.messages import GO_ON, Job
from tests.conftest import ROOT

# In the place of a training: a file of one's own may ask a person, and may fork.
_WORKER = """
import multiprocessing, os, sys
from bench.worker import __main__ as worker
from bench.worker.messages import Phase

def train(job, say, wait):
    print("printed")
    say(Phase(f"read {sys.stdin.read()!r}"))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        say(Phase(f"counted {pool.map(len, ['four'])}"))
    copy = os.fork()
    say(Phase("forked"))
    os.waitpid(copy, 0)
    wait()
    say(Phase("went on"))

worker.training.train = train
sys.exit(worker.main())
"""


def test_a_file_finds_no_input_and_its_copies_say_nothing() -> None:
    job = Job("mlp", is_gpu=False, epochs=3, seed=1, data={})
    with subprocess.Popen(
        [sys.executable, "-c", _WORKER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stderr is not None
        worker.stdin.write(f"{job.line()}\n{GO_ON}\n")
        worker.stdin.flush()
        told = [json.loads(line) for line in worker.stdout]
        assert (worker.wait(), worker.stderr.read()) == (0, "printed\n")
    assert [each["name"] for each in told] == ["read ''", "counted [4]", "forked", "went on"]
