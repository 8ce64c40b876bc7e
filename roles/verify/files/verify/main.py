"""Verifies in stages that this interpreter computes what it should, on every device.

The stages stop at the first that fails.  What they found goes to standard output as JSON and to
standard error to be read.  No stage is timed, so the same machine gives the same bytes again.

What TensorFlow, JAX or PyTorch does happens in child processes, for a wheel that does not suit the
processor ends its process, and so may a broken GPU: first one that sees no GPU, then one that sees
them all.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from .cpu import CPU_STAGES
from .driver import DRIVER_STAGES
from .gpu import GPU_STAGES, LIBRARY_STAGES
from .keras_stages import KERAS_GPU_STAGES, KERAS_STAGES, framework
from .proof import passed, proof
from .stage import AGAIN, Plan, Result, Stage, StageError, compiled
from .symptoms import COMPILING, LONGEST, SIGNALS, advised

# Why a kernel could not be loaded stands in a warning before the error.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

WITHOUT_GPUS = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
# They take what memory they need, and JAX fails where it cannot use a GPU.
WITH_GPUS = {
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "JAX_PLATFORMS": "cuda,cpu",
}


def result(stage: Stage, plan: Plan) -> Result:
    """Runs the stage."""
    try:
        return Result("passed", stage.check(plan))
    except StageError as error:
        return Result("failed", str(error), error.advice)
    except Exception as error:  # whatever it is, it is this stage's result
        found = " ".join(f"{type(error).__name__}: {error}".split())
        return Result("failed", found, stage.advice)


def up_to_failure(stages: list[Stage], plan: Plan, tell: Callable[[Result], None]) -> None:
    """Runs the stages up to the first that fails, and tells each result once it is known."""
    for stage in stages:
        known = result(stage, plan)
        tell(known)
        if known.state == "failed":
            return


def here(stages: list[Stage], plan: Plan) -> list[Result]:
    """Runs the stages in this process."""
    known: list[Result] = []
    up_to_failure(stages, plan, known.append)
    return known


def in_child(stages: list[Stage], plan: Plan, **variables: str) -> list[Result]:
    """Runs the stages in a child process, with these environment variables."""
    with tempfile.TemporaryFile("w+") as results, tempfile.TemporaryFile("w+") as noise:
        child = os.fork()
        if child == 0:
            os.environ.update(variables)
            os.dup2(noise.fileno(), 1)
            os.dup2(noise.fileno(), 2)
            signal.alarm(longest(plan))
            up_to_failure(stages, plan, lambda known: write(known, results))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        results.seek(0)
        noise.seek(0)
        known = [Result(*json.loads(line)) for line in results]
        said = noise.read()
    if status:
        known.append(ended(status, said, longest(plan)))
    last = known[-1]
    if last.state == "failed":
        # Where no GPU is to be seen, TensorFlow's word that it sees none is no symptom.
        heard = "" if "CUDA_VISIBLE_DEVICES" in variables else said
        known[-1] = last._replace(advice=advised(f"{last.found}\n{heard}", last.advice))
    return known


def write(known: Result, results: IO[str]) -> None:
    """A line of JSON."""
    print(json.dumps(known), file=results, flush=True)


def longest(plan: Plan) -> int:
    """The seconds that a child may take."""
    # Which may have no kernels for the GPU.
    own = plan.get("tensorflow", {}).get("wheel") or plan.get("container")
    return COMPILING if compiled(plan) or own else LONGEST


def ended(status: int, noise: str, seconds: int) -> Result:
    """What it means that the child ended in mid-stage, and what to do."""
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        found, advice = SIGNALS.get(name, (f"it ended by {name}", AGAIN))
        return Result("failed", found.format(minutes=seconds // 60), advice)
    last = noise.strip().splitlines()[-1:] or ["it said nothing"]
    found = f"it ended with status {os.waitstatus_to_exitcode(status)}: {last[0]}"
    return Result("failed", found, AGAIN)


def left_out(plan: Plan) -> tuple[str, str]:
    """Why the driver's stages do not apply here, and why the GPU's do not; "" where they do."""
    if not plan:
        return ("there is no plan on this host",) * 2
    planned, cuda = plan.get("driver", {}), plan.get("cuda", {"action": "none"})
    by_driver = (
        planned.get("reason", "") if planned.get("action", "none") in ("none", "skip") else ""
    )
    if planned.get("action") == "skip" or not plan.get("tensorflow", {}).get("gpu"):
        return by_driver, by_driver or cuda.get("reason", "TensorFlow is for the CPU")
    return by_driver, ""


def run(plan: Plan) -> dict[str, Any]:
    """Runs all stages that apply and gathers what they found."""
    no_driver, no_gpu = left_out(plan)
    inside = "they are the image's own, and the GPUs' results tell" if plan.get("container") else ""
    of_tensorflow = framework(plan) == "tensorflow"
    on_cpu = CPU_STAGES if of_tensorflow else KERAS_STAGES
    on_gpu = GPU_STAGES if of_tensorflow else KERAS_GPU_STAGES
    with tempfile.TemporaryDirectory() as home:
        os.environ["KERAS_HOME"] = home  # Keras would leave its settings in the user's home
        groups: list[tuple[list[Stage], str, Callable[[], list[Result]]]] = [
            (on_cpu, "", lambda: in_child(on_cpu, plan, **WITHOUT_GPUS)),
            (DRIVER_STAGES, no_driver, lambda: here(DRIVER_STAGES, plan)),
            (
                LIBRARY_STAGES if of_tensorflow else [],
                no_gpu or inside,
                lambda: in_child(LIBRARY_STAGES, plan, **WITH_GPUS) if of_tensorflow else [],
            ),
            (on_gpu, no_gpu, lambda: in_child(on_gpu, plan, **WITH_GPUS)),
        ]
        stages, failure = [], ""
        for group, reason, runs in groups:
            known = []
            if reason:
                known = [Result("not applicable", reason)] * len(group)
            elif not failure:
                known = runs()
            if known and known[-1].state == "failed":
                failure = (
                    f"{group[len(known) - 1].name} failed: {known[-1].found}; {known[-1].advice}"
                )
            known += [Result("not reached", "")] * (len(group) - len(known))
            stages += [
                {"stage": stage.name, "state": each.state, "found": each.found}
                for stage, each in zip(group, known, strict=True)
            ]
    return {
        "schema": 1,
        "ok": not failure,
        "interpreter": sys.executable,
        # What the plan of this host then knows to work.
        "tensorflow": "" if failure or no_gpu or not of_tensorflow else known_version(plan),
        "compiled": "" if failure or no_gpu else compiled(plan),
        "stages": stages,
        "failure": failure,
    }


def known_version(plan: Plan) -> str:
    """The plan's TensorFlow."""
    return str(plan["tensorflow"].get("version", ""))


def parsed(path: Path) -> Plan:
    """The plan, {} where there is none that can be read."""
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return plan if isinstance(plan, dict) else {}


def main(package: str = "") -> None:
    """The command line: the plan, and the report of an earlier run that may still hold.

    package: a digest of these sources.
    """
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "/etc/grindstone/plan.json")
    plan = parsed(path)
    known = proof(plan, package, gpu=not all(left_out(plan)))
    earlier = passed(Path(sys.argv[2]), known) if sys.argv[2:] and sys.argv[2] else {}
    if earlier:
        print(json.dumps(earlier, indent=4))
        return
    report = run(plan)
    report["proof"] = known if report["ok"] else {}
    for stage in report["stages"]:
        print(
            f"  {stage['stage']:<17}{stage['state']:<16}{stage['found']}".rstrip(), file=sys.stderr
        )
    if report["failure"]:
        print(report["failure"], file=sys.stderr)
    print(json.dumps(report, indent=4))
