# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""One benchmark on a host: started where none runs, found again where one does.

It runs in a session of its own, and what was started holds a lock as long as it lives.  So a
connection that drops, a controller that dies and a time limit of Ansible's leave it running, the
next call tells that it does, and no process id can be mistaken for it after a reboot.
"""

from __future__ import annotations

DOCUMENTATION = """
module: benchmark_job
short_description: Runs the benchmark on a host
description:
  - Starts C(pytest bench/), and tells how it has ended.
  - Where the same one runs already, from a call that was cut off, or has ended and nobody has
    collected it, that is the run.
  - Where another one runs, it fails in a line.
  - C(state=ended) runs on the controller, too. It looks every O(poll) seconds, and takes no notice
    of a connection that drops.
author: The Grindstone authors (@grindstone)
options:
  folder:
    description: Where the benchmark and its runs are.
    type: path
    required: true
  tree:
    description: The folder in O(folder) that holds the benchmark's files.
    type: str
    default: ""
  options:
    description: The options of C(pytest bench/).
    type: list
    elements: str
    default: []
  host:
    description: What the inventory calls the host, by which advice names it.
    type: str
    default: ""
  state:
    description:
      - V(started) starts it and does not wait.
      - V(ended) waits for O(run).
      - V(collected) notes that the record of O(run) has been fetched.
    type: str
    choices: [started, ended, collected]
    default: started
  anew:
    description: Whether one that has ended unseen is left, and one that goes on is in the way.
    type: bool
    default: false
  run:
    description: The name of the run, as V(started) returned it.
    type: str
    default: ""
  timeout:
    description: How long a run is waited for, in s.
    type: int
    default: 14400
  poll:
    description: How often is looked whether it has ended, in s.
    type: int
    default: 15
  patience:
    description: How long a host that does not answer is waited for, in s; it may be booting.
    type: int
    default: 600
"""

EXAMPLES = """
- name: Start the benchmark
  grindstone.grindstone.benchmark_job:
    folder: /opt/grindstone/bench
    tree: tree-0123456789ab
    options: [--profile, quick]
  register: started

- name: Wait for its end
  grindstone.grindstone.benchmark_job:
    folder: /opt/grindstone/bench
    state: ended
    run: "{{ started.run }}"
"""

RETURN = """
run:
  description: The name of the run.
  returned: success
  type: str
told:
  description: What was found of an earlier run; empty for nothing.
  returned: O(state=started)
  type: str
goes_on:
  description: Whether it has not ended.
  returned: O(state=ended)
  type: bool
record:
  description: The path of its record; empty where it has left none.
  returned: O(state=ended)
  type: str
failures:
  description: The first line of why each training failed, or did not learn what it should.
  returned: O(state=ended)
  type: list
  elements: str
problem:
  description: Why it is no whole result; empty where it is one, failed trainings included.
  returned: O(state=ended)
  type: str
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.sysroot import json_object

LOCK = "lock"
RUNS = "runs"
RECORDS = "records"
JOB = "job.json"
END = "ended.json"
OUTPUT = "output.txt"
COLLECTED = "collected"
HOST = "GRINDSTONE_FLEET_HOST"  # what is advised is typed at the controller (bench/invocation.py)
OWN = "--results-dir"  # which folder records go to is this module's to know
KEPT = 10  # runs, the newest
RESULT = (0, 1)  # pytest's: all passed, or something failed, which the record has


def runs(folder: Path) -> list[Path]:
    """Those of a host, the newest first."""
    found = folder / RUNS
    return sorted(found.iterdir(), reverse=True) if found.is_dir() else []


def words(job: dict[str, Any]) -> str:
    """The options of a job as one reads them."""
    return " ".join(job.get("options", [])) or "no options"


class BusyError(Exception):
    """Another benchmark runs here."""


def run_of(folder: Path, wanted: dict[str, Any], *, anew: bool = False) -> tuple[Path, str]:
    """The run whose end is wanted: one that goes on or was not collected, else a new one.

    anew: whether it has to be a new one.

    Raises:
        BusyError: another one goes on.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        there = runs(folder)
        last = there[0] if there else None
        job = json_object(last / JOB) if last else {}
        same = not anew and all(job.get(name) == value for name, value in wanted.items())
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if last and same:
                return last, f"it has been running since {job.get('began')}"
            raise BusyError(
                f"another benchmark ({words(job)}) has been running here since "
                f"{job.get('began', 'just now')}: wait for it, or end it:  "
                f"kill -- -{job.get('pid', 'PID')}"
            ) from None
        told = ""
        if last and not (last / COLLECTED).exists():
            if same and json_object(last / END):
                return last, f"that of {job.get('began')} had ended and was not collected"
            if not json_object(last / END):
                told = f"that of {job.get('began', last.name)} was cut off, and is begun anew"
        remove_old(folder, there, wanted["tree"])
        return start(folder, wanted, lock), told
    finally:
        os.close(lock)


def remove_old(folder: Path, there: list[Path], tree: str) -> None:
    """Removes what no run needs any more."""
    old = [each for each in there[KEPT:] if (each / COLLECTED).exists()]
    for path in [*old, *(each for each in folder.glob("tree-*") if each.name != tree)]:
        shutil.rmtree(path, ignore_errors=True)


def start(folder: Path, wanted: dict[str, Any], lock: int) -> Path:
    """Starts one in a session of its own, which inherits the lock.

    Raises:
        OSError: it cannot be started, as where the disk is full.
    """
    now = time.gmtime()
    run = folder / RUNS / time.strftime("%Y%m%dT%H%M%SZ", now)
    run.mkdir(parents=True)
    heard, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        # Nothing comes where the parent could not note the job: then nothing is run.
        if os.read(heard, 1):
            live(folder, run, wanted, lock)
        os._exit(0)
    os.close(heard)
    try:
        began = time.strftime("%Y-%m-%d %H:%M:%S UTC", now)
        job = json.dumps({**wanted, "began": began, "pid": child})
        (run / JOB).write_text(job, encoding="utf-8")
        os.write(said, b"!")
    except OSError:
        shutil.rmtree(run, ignore_errors=True)
        raise
    finally:
        os.close(said)
    return run


def live(folder: Path, run: Path, wanted: dict[str, Any], lock: int) -> None:
    """The life of the process that runs pytest, and writes down how it ended."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        command = [str(folder / "environment/bin/python"), "-m", "pytest", "bench/"]
        command += ["-p", "no:cacheprovider", "--no-page", OWN, str(run / RECORDS)]
        kept = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
        with (run / OUTPUT).open("wb") as output:
            status = subprocess.run(
                command + wanted["options"],
                cwd=folder / wanted["tree"],
                env={**kept, "LC_ALL": "C.UTF-8", HOST: wanted.get("host", "")},
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),  # it may outlive this process
                check=False,
            ).returncode
        partial = run / (END + ".part")
        partial.write_text(json.dumps({"status": status}), encoding="utf-8")
        partial.replace(run / END)
    finally:
        os._exit(0)


def goes_on(folder: Path) -> bool:
    """Whether anything that was started lives."""
    with (folder / LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def record_of(run: Path) -> str:
    """The path of a run's record: of one that was killed, the journal."""
    found = [*run.glob(RECORDS + "/*.json"), *run.glob(RECORDS + "/*.jsonl")]
    return str(found[0]) if found else ""


def failures(record: Path) -> list[str]:
    """What a whole record says of the trainings that failed, a line each."""
    told = []
    results = json_object(record).get("results", []) if record.suffix == ".json" else []
    for each in results:
        reason = each.get("reason") or (each.get("quality") or {}).get("reason")
        told += str(reason).splitlines()[:1] if reason else []
    return told


def last_words(run: Path) -> str:
    """The line of the output that tells most: pytest's or the benchmark's error, else the last."""
    try:
        text = (run / OUTPUT).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "it has said nothing"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR: ", "bench: "))]
    chosen = (errors or lines or ["it has said nothing"])[-1]
    return re.sub(r"^ERROR: ", "", chosen)


def problem(run: Path) -> str:
    """Why a run is no whole result, "" where it is one."""
    status = json_object(run / END).get("status")
    if status in RESULT and record_of(run):
        return ""
    if status in RESULT:
        return f"the benchmark left no record: {last_words(run)}"
    if status is None:
        how = "was cut off (killed, a reboot, or a full disk)"
    elif status < 0:
        how = f"was killed by {signal.Signals(-status).name}"
    else:
        how = f"ended with exit status {status}"
    return f"the benchmark {how}: {last_words(run)}"


def end_of(folder: Path, name: str) -> dict[str, Any]:
    """How a run has ended, where it has."""
    if goes_on(folder):
        return {"goes_on": True, "record": "", "failures": [], "problem": ""}
    run = folder / RUNS / name
    record = record_of(run)
    ended = {"record": record, "failures": failures(Path(record)), "problem": problem(run)}
    return {"goes_on": False, **ended}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "tree": {"type": "str", "default": ""},
            "options": {"type": "list", "elements": "str", "default": []},
            "host": {"type": "str", "default": ""},
            "state": {"choices": ["started", "ended", "collected"], "default": "started"},
            "anew": {"type": "bool", "default": False},
            "run": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 14400},
            "poll": {"type": "int", "default": 15},
            "patience": {"type": "int", "default": 600},
        },
        required_if=[("state", "ended", ["run"]), ("state", "collected", ["run"])],
    )
    folder, options = Path(module.params["folder"]), module.params["options"]
    state, name = module.params["state"], module.params["run"]
    if any(word.split("=")[0] == OWN for word in options):
        module.fail_json(msg=f"found {OWN} among the options, which the role sets: leave it out")
    try:
        if state == "ended":
            module.exit_json(changed=False, run=name, **end_of(folder, name))
        if state == "collected":
            (folder / RUNS / name / COLLECTED).touch()
            module.exit_json(changed=True, run=name)
        wanted = {"tree": module.params["tree"], "options": options}
        wanted["host"] = module.params["host"]
        run, told = run_of(folder, wanted, anew=module.params["anew"])
    except BusyError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        where = error.filename or folder
        module.fail_json(msg=f"the benchmark cannot run: {where}: {error.strerror or error}")
    module.exit_json(changed=True, run=run.name, told=told)


if __name__ == "__main__":
    main()
