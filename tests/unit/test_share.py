"""`python -m bench share`: what tells whose machine it was is out, and the rest is as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bench.record import codec
from bench.record.head import WITHHELD, Due
from bench.record.model import Concurrent, File, Finished, Input, Record
from bench.record.shared import shared
from bench.record.telemetry import GpuProcess
from bench.record.verdict import Verdict
from tests.support import records
from tests.support.bench_verbs import command
from tests.support.records import (
    CPU,
    H100,
    failed,
    record,
    result,
    telemetry,
    time_to_target,
    write,
)

HOST, USER, UUID = "pinguin.lab.example", "zaphod", H100.uuids[0]
HOME = f"/home/{USER}"
OTHER = f"{USER}-secret-job"
SECRETS = ("pinguin", USER, UUID, UUID[4:], "/opt/", "/mnt/", HOME, "10.1.2.3", "b@c.example")
QUOTED = (
    f'on {HOST} and pinguin: File "{HOME}/my models/x.py", line 3; ~/data {HOME}/y.npz, '
    f"/mnt/{USER}/z (GPU {UUID}) {USER} at b@c.example 10.1.2.3:80 https://{HOST}/w?q "
    "serial: 0324X7; "
    f"3e:4f:00:11:22:33 fe80::1ff:fe23:4567:890a and {OTHER} (pid 7) of /opt/x/y"
)
_PINNED = replace(
    records.WORKER.pinned,
    environment={"XLA_FLAGS": f"--xla_dump_to={HOME}/dump", "CUDA_VISIBLE_DEVICES": UUID},
)
_TRAINED = result(
    "mlp",
    H100,
    verdict=Verdict("CONTENDED", f"{OTHER} (pid 7) used 60 % of it", f"run {HOME}/fix.sh"),
    worker=replace(records.WORKER, interpreter=f"{HOME}/venv/bin/python3", pinned=_PINNED),
    telemetry=telemetry(processes=({"pid": 7, "name": OTHER, "memory": 1, "busy": 0.6},)),
    input=Input(source="data-dir", folder=f"/mnt/{USER}", file_system="ext4", bytes=1, waiting=0.1),
    concurrent=Concurrent((H100,), 1.0),
    file=File(f"{HOME}/my models/mlp.py", "ab" * 32),
    dataset=records.dataset("mlp", note=f"files in {HOME}/mnist"),
)
FULL = record(
    [_TRAINED, failed("mlp", CPU, QUOTED), *records.repeats("convnet")],
    [time_to_target(device=H100)],
    machine=records.machine(host=HOST),
    settings=records.settings(
        data_dir=f"/mnt/{USER}",
        worker_python=f"{HOME}/venv/bin/python3",
        second_worker="/opt/b/bin/python",
        against=f"{HOME}/old.json",
        workloads=(f"{HOME}/my models/mlp.py",),
        rerun_options=(f"--cache-dir=../{USER}/kept", "--seed=3"),
        host=f"{HOST}-rack7",
    ),
    due=(Due(title="mlp on cpu", workload="mlp", path=f"{HOME}/my models/mlp.py"),),
    words=("--html", f"{USER}/page.html", "-x"),
)


def test_nothing_of_it_is_left_and_all_of_it_is_listed(tmp_path: Path) -> None:
    done = command("share", write(tmp_path, "run.json", FULL))
    assert done.returncode == 0
    for secret in SECRETS:
        assert secret not in done.stdout
    lines = [line.removeprefix("taken out: ") for line in done.stderr.splitlines()]
    told = dict(line.split(": ", 1) for line in lines)
    assert set(told) == {
        *("UUIDs", "addresses", "host names", "names of other processes", "paths"),
        *("serial numbers", "user names"),
    }
    assert {"machine.host", "settings.host"} <= set(told["host names"].split(", "))
    assert "settings.worker_python" in told["paths"]
    assert "results[].worker.pinned.environment.XLA_FLAGS" in told["paths"]
    assert "results[].telemetry.processes.value[].name" in told["names of other processes"]
    assert not any(secret in done.stderr for secret in SECRETS)


def test_what_is_left_reads_well() -> None:
    made, _ = shared(FULL)
    trained, broken = made.results[:2]
    assert isinstance(trained, Finished)
    assert trained.verdict is not None
    assert trained.verdict.evidence == "a process (pid 7) used 60 % of it"
    assert trained.verdict.fix == "run <path>"
    assert trained.worker.interpreter == "python3"
    assert trained.worker.pinned.environment["XLA_FLAGS"] == "--xla_dump_to=<path>"
    assert trained.file == File("mlp.py", "ab" * 32)
    assert trained.dataset.note == "files in <path>"
    assert trained.telemetry is not None
    assert trained.telemetry.processes.value == (GpuProcess(7, None, 1, 0.6),)
    assert made.machine.host == WITHHELD
    reason = msgspec.to_builtins(broken)["reason"]
    assert 'on <host> and <host>: File "<path>", line 3; <path> <path>' in reason
    assert "serial: <serial>;" in reason


def test_numbers_and_models_are_as_they_were() -> None:
    made, _ = shared(FULL)
    assert [_epochs(each) for each in made.results] == [_epochs(each) for each in FULL.results]
    assert made.machine.cpu == FULL.machine.cpu
    assert (made.started, made.versions) == (FULL.started, FULL.versions)
    names = [[each.device.name for each in record.results] for record in (made, FULL)]
    assert names[0] == names[1]


def _epochs(each: Any) -> object:
    return each.epochs if isinstance(each, Finished) else None


def test_a_record_of_nobody_is_as_it_was(tmp_path: Path) -> None:
    made, told = shared(shared(FULL)[0])
    assert made == shared(FULL)[0]
    assert told == ["host names: machine.host"]
    assert codec.read(write(tmp_path, "x.json", made)) == made


_SPOILT = f"; {HOST} pinguin {USER} {UUID} {HOME}/x /mnt/y"


def _spoil(whole: Any, branch: Any) -> int:
    """Puts all that behind each string that may be anything; how many those are."""
    count = 0
    for name in branch if isinstance(branch, dict) else range(len(branch)):
        before = branch[name]
        if isinstance(before, (dict, list)):
            count += _spoil(whole, before)
        elif isinstance(before, str) and name != "host":
            branch[name] = f"{before}{_SPOILT}"
            try:
                msgspec.convert(whole, Record)
                count += 1
            except msgspec.ValidationError:
                branch[name] = before
    return count


def test_whatever_string_quotes_it() -> None:
    few = replace(FULL, results=FULL.results[:2])
    tree = json.loads(codec.encode(few))
    assert _spoil(tree, tree) > 100
    text = codec.encode(shared(msgspec.convert(tree, Record))[0]).decode()
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize(
    "text",
    [
        "47,984 images/s and 3.2 J/epoch, 1/2",
        "/device:GPU:0",
        "/job:localhost/replica:0/task:0/device:GPU:0",
        "driver 580.95.05, kernel 6.12.48+deb13-amd64, CUDA 12.8.90",
        "5.15.167.4-microsoft-standard-WSL2",
        "/proc/driver/nvidia and /dev/nvidia0",
        "see docs/benchmark.md; 12:30:05",
        "pytest bench/ -k mlp --device gpu:0",
        "the root of it",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    made, _ = shared(record([failed("mlp", CPU, text)]), ["root"])
    assert msgspec.to_builtins(made.results[0])["reason"] == text


def test_who_shares_it_is_nobody_either() -> None:
    made, _ = shared(record([failed("mlp", CPU, "trillian may not read it")]), ["trillian"])
    assert msgspec.to_builtins(made.results[0])["reason"] == "<user> may not read it"


def test_it_is_shown_and_exported_and_compared_as_any_other(tmp_path: Path) -> None:
    own, out = write(tmp_path, "run.json", FULL), tmp_path / "out.json"
    assert command("share", own, "--out", out).stdout == ""
    assert command("show", out).returncode == 0
    assert "withheld" in command("export", out, "--csv").stdout
    assert "informative only: convnet on cpu" in command("compare", own, out).stdout
    (refused,) = command("share", own, "--out", out).stderr.splitlines()
    assert "is there already" in refused


def test_an_older_record_is_shared_as_a_current_one(tmp_path: Path) -> None:
    old = Path(records.__file__).with_name("record_schema_2.json")
    out = tmp_path / "out.json"
    assert command("share", old, "--out", out).returncode == 0
    assert codec.read(out).machine.host == WITHHELD
