"""Two machines are put side by side and not judged; one machine is, whatever it is called."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bench.record.head import WITHHELD, Cpu
from bench.record.model import Model
from bench.record.runs import resolve
from tests.support import records
from tests.support.bench_verbs import Files, compare_command
from tests.support.records import CPU, H100, repeats, slower

TWIN = replace(H100, uuids=("GPU-11111111-2f33-4e0b-9d8f-1c2b3a4d5e6f",))
L4 = replace(TWIN, name="NVIDIA L4")


def _machine(host: str, **members: Any) -> Any:
    return records.machine(host=host, **members)


@pytest.mark.parametrize(
    ("machine", "device", "told"),
    [
        (_machine("box-2"), CPU, "machine bench-1 → box-2: two machines side by side"),
        (
            _machine("box-2", cpu=Cpu("Xeon", 8, 8, (0,), None), driver=None),
            CPU,
            f"machine bench-1 → box-2, processor {CPU.name} → Xeon: ",
        ),
        (_machine("box-2"), TWIN, "machine bench-1 → box-2: two machines"),
        (_machine("bench-1"), TWIN, "GPU GPU-8f6d0c9e-"),
        (_machine("box-2", driver="595.12"), L4, "→ NVIDIA L4, driver 580.95.05 → 595.12: "),
        (_machine(WITHHELD), CPU, "machine bench-1 → withheld: "),
    ],
)
def test_rows_of_two_machines_are_informative_only(
    write: Files, machine: Any, device: Any, told: str
) -> None:
    before = H100 if device.is_gpu else CPU
    a = write("a", repeats("mlp", device=before))
    b = write("b", repeats("mlp", slower(1.0), device), machine=machine)
    done = compare_command(a, b)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("informative only: 1 row\n")
    assert done.lines("SLOWER") == done.lines("FASTER") == []
    (line,) = done.lines("informative only: ")
    assert told in line
    (row,) = compare_command(a, b, "--json").rows
    assert (row["answer"], row["interval"]) == ("informative only", None)
    assert row["ratio"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("host", "device"),
    [
        ("0123456789ab", CPU),  # Docker's name of a container
        ("0123456789ab", H100),
        ("renamed", H100),  # whose GPU says that it is the same
    ],
)
def test_one_machine_under_two_names_is_judged(write: Files, host: str, device: Any) -> None:
    a = write("a", repeats("mlp", device=device))
    b = write("b", repeats("mlp", slower(0.2), device), machine=_machine(host))
    assert compare_command(a, b).stdout.startswith("SLOWER: 1 row")


def test_two_machines_that_did_not_train_the_same_are_not_comparable(write: Files) -> None:
    a = write("a", repeats("mlp"))
    other = repeats("mlp", model=Model(1, "0" * 64))
    done = compare_command(a, write("b", other, machine=_machine("box-2")))
    assert done.stdout.startswith("not comparable: 1 row")


def test_nobody_whose_machine_is_told_is_the_same(write: Files) -> None:
    machine = _machine(WITHHELD)
    a = write("a", repeats("mlp"), machine=machine)
    b = write("b", repeats("mlp"), machine=machine)
    assert compare_command(a, b).stdout.startswith("informative only")


def test_last_and_best_are_of_this_machine(write: Files) -> None:
    own = write("own", repeats("mlp"))
    other = _machine("box-2")
    write("other", repeats("mlp", slower(-0.5)), hour=1, machine=other)
    now = write("now", repeats("mlp", slower(0.08)), hour=2)
    for word in ("last", "best"):
        done = compare_command(word, now, "--results-dir", write.folder)
        assert done.returncode == 1
        assert f"A: {own})" in done.stdout
    assert resolve(["best"], write.folder) == [own]
    own.unlink()
    done = compare_command("last", now, "--results-dir", write.folder)
    assert (done.returncode, done.lines("SLOWER")) == (2, [])
    assert "machine box-2 → bench-1 (nearest: " in done.stdout
