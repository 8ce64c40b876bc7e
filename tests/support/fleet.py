"""`playbooks/bench.yml` over machines behind ssh, with trainings that take seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support import ssh_hosts
from tests.support.playbook import Variables
from tests.support.ssh_hosts import Host, Network

BENCH = "playbooks/bench.yml"
UNUSED = f"{ssh_hosts.NETWORK}.250"
BEGIN_S = 300.0


def options(network: Network, worker_python: Path, **more: object) -> Sequence[str]:
    """As ansible-playbook takes them."""
    trained = ["--profile", "smoke", "-k", "mlp", "--synthetic", "--device", "cpu"]
    trained += ["--worker-python", str(worker_python)]
    given = {
        "benchmark_options": [*trained, "--cache-dir", str(network.base / "data")],
        "plan_prefix": str(network.base),
        "benchmark_poll": 1,
        "benchmark_results": str(network.folder / f"records/{time.time_ns()}"),
        **more,
    }
    return ["--extra-vars", json.dumps(given)]


def inventory(network: Network, *names: str) -> dict[str, Variables]:
    """The hosts of those names."""
    return {name: network.hosts[name].variables for name in names}


def when(condition: Callable[[], object], what: str) -> None:
    """Waits until it holds."""
    ends = time.monotonic() + BEGIN_S
    while not condition():
        assert time.monotonic() < ends, f"there is still no {what}"
        time.sleep(0.2)


def runs(host: Host) -> list[Path]:
    """Of the benchmark, on a host."""
    return sorted((host.disk / "bench/runs").glob("*"))


def trains(host: Host) -> bool:
    """Whether a worker is there."""
    return bool(host.processes("bench.worker"))


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
