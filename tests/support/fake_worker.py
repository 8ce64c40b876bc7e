"""Workers that only pretend: programs that speak the worker's protocol, or fail to."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from bench.runner.interpreter import CAN_TRAIN
from tests.support.program import script

_PRELUDE = f"""#!{sys.executable}
import json, os, signal, subprocess, sys

if sys.argv[1] == "-c":  # does it have TensorFlow?
    sys.exit({CAN_TRAIN})

def say(event, **members):
    print(json.dumps({{"event": event, **members}}), flush=True)

def begin(tensorflow="2.21.0"):
    say("phase", name="TensorFlow's import")
    say("ready", python="3.11.2", interpreter=sys.argv[0], tensorflow=tensorflow, keras="3.15.1",
        numpy="2.4.0", device="CPU", replicas=1, pinned=dict(program=1, xla=False, tf32=True,
        precision="float32", deterministic_ops=False, threads=2,
        environment=dict(CUDA_VISIBLE_DEVICES="-1")))
    say("model", parameters=623290, workload_sha256="5f" * 32)
    say("phase", name="epoch 1")

def epoch(number, begun=100.0, seconds=1.5, **members):
    say("epoch", number=number, begun=begun, ended=begun + seconds, images=60000, loss=0.25,
        **members)

def end(value=0.98):
    say("phase", name="evaluation")
    say("quality", value=value, untrained=0.1, memory_peak=None)

def wait_for_ever():
    while True:
        signal.pause()

def tell(**facts):  # the test, which reads them with `told`
    with open(sys.argv[0] + ".json", "w") as file:
        json.dump(facts, file)

"""
READS = "job = json.loads(sys.stdin.readline())\n"
HEALTHY = """
begin()
for number in range(1, job["epochs"] + 1):
    epoch(number)
end()
wait_for_ever()
"""


def write(folder: Path, program: str, *, reads: str = READS) -> Path:
    """A worker that runs a program, once it has read its job."""
    return script(folder / "worker", _PRELUDE + reads + textwrap.dedent(program))
