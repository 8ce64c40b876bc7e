"""`playbooks/bench.yml` over machines behind ssh, with trainings that take seconds, or pretend."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.support import fake_worker, playbook, ssh_hosts
from tests.support.drawn import drawn_digits
from tests.support.playbook import Variables
from tests.support.ssh_hosts import Host, Network

BENCH = "playbooks/bench.yml"
UNUSED = f"{ssh_hosts.NETWORK}.250"
# It learns as much as the perceptron does.
_PRETENDS = """
import time
begin()
while not os.path.exists({let}):
    time.sleep(0.1)
for number in range(1, job["epochs"] + 1):
    epoch(number)
end(0.89)
wait_for_ever()
"""


def pretender(let: Path) -> Path:
    """A worker for all hosts, whose training ends once that file is there, and no sooner."""
    return fake_worker.write(let.parent, _PRETENDS.format(let=repr(str(let))))


def options(network: Network, worker_python: Path | str, **more: object) -> Sequence[str]:
    """As ansible-playbook takes them."""
    trained = ["--profile", "smoke", "-k", "mlp", "--synthetic", "--device", "cpu"]
    trained += ["--worker-python", str(worker_python)]
    given = {
        "benchmark_options": [*trained, "--cache-dir", str(drawn_digits().parents[1])],
        "plan_prefix": str(network.base),
        "benchmark_poll": 5,  # a look is a third of a second of a processor, on each host
        "benchmark_results": str(network.folder / f"records/{time.time_ns()}"),
        **more,
    }
    return ["--extra-vars", json.dumps(given)]


def inventory(network: Network, *names: str) -> dict[str, Variables]:
    """The hosts of those names."""
    return {name: network.hosts[name].variables for name in names}


@contextmanager
def halted(
    running: subprocess.Popen[str], *hosts: Host, once: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Waits until they train and it holds, and has their workers stand still in the block.

    They stand still while they are looked at, too, so that no machine is too slow to meet them.
    """
    while True:
        assert running.poll() is None, f"no training was met: {playbook.finish(running).output}"
        workers = [host.processes("bench.worker") for host in hosts]
        stopped = list(itertools.chain(*workers))
        _signal(stopped, psutil.Process.suspend)
        if all(workers) and once():
            break
        if all(workers):
            _signal(stopped, psutil.Process.resume)
        time.sleep(0.1)
    yield
    _signal(stopped, psutil.Process.resume)


def _signal(processes: Sequence[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            send(process)


def runs(host: Host) -> list[Path]:
    """Of the benchmark, on a host."""
    return sorted((host.disk / "bench/runs").glob("*"))


def folder_of(network: Network) -> Path:
    """Where the records of the last run are."""
    return max((network.folder / "records").iterdir())


def records(folder: Path) -> dict[str, str]:
    """The hosts with a record, each with what its results came to."""
    made = {}
    for path in folder.glob("*.json"):
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        made[path.stem] = " ".join(result["status"] for result in results)
    return made


def reasons(folder: Path) -> Mapping[str, str]:
    """Why hosts have no record."""
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
