"""What is told of a worker that dies: how it ended, and what it was doing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.runner import supervisor
from tests.support.records import GT1030
from tests.support.supervised import Child


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child(tmp_path)


# ---- the worker dies

_OOM = "mlp on cpu: worker killed by SIGABRT: it ran out of memory, during epoch 1"
_TF_MEMORY = "W0000 bfc_allocator.cc:502] Allocator (mklcpu) ran out of memory trying to allocate"
_TF_EXHAUSTED = "W0000 op_kernel.cc:1858] OP_REQUIRES failed: RESOURCE_EXHAUSTED: OOM when"
_BAD_ALLOC = "terminate called after throwing an instance of 'std::bad_alloc'"
_NO_MEMORY = "OSError: [Errno 12] Cannot allocate memory"
_ABORT = "begin(); print({!r}, file=sys.stderr); os.kill(os.getpid(), signal.SIGABRT)"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "begin(); epoch(1); os.kill(os.getpid(), signal.SIGKILL)",
            ["mlp on cpu: worker killed by SIGKILL, during epoch 2"],
        ),
        (
            "begin(); epoch(1); epoch(2); epoch(3)",
            ["mlp on cpu: worker ended with exit status 0, during epoch 4"],
        ),
        (
            """begin(); os.write(1, b'{"event": "epo'); os.kill(os.getpid(), signal.SIGKILL)""",
            ["mlp on cpu: worker killed by SIGKILL, during epoch 1"],
        ),
        (
            'begin(); say("error", message="ran out of memory: 3 GiB"); sys.exit(1)',
            ["mlp on cpu: worker ran out of memory: 3 GiB, during epoch 1"],
        ),
        (
            'say("phase", name="evaluation"); say("quality", value=1, untrained=0, memory_peak=0)',
            ["mlp on cpu: worker did not report its ready, during evaluation"],
        ),
        *(
            (_ABORT.format(line), [_OOM, "its last lines:", line])
            for line in (_TF_MEMORY, _TF_EXHAUSTED, _BAD_ALLOC, _NO_MEMORY)
        ),
    ],
)
def test_a_worker_that_fails_is_told_by_how_it_ended_and_what_it_was_doing(
    child: Child, program: str, told: list[str]
) -> None:
    assert child.failure(program) == told


_NOT_LOADED = "W0000 tf_gpu_runtime_wrappers.cc:40] 'cuModuleLoadData(&module, data)' failed with "
_UNLOADED = 'say("error", message="InternalError: CUDA_ERROR_INVALID_HANDLE"); sys.exit(1)'


@pytest.mark.parametrize(
    ("logged", "meaning"),
    [
        ("'CUDA_ERROR_UNSUPPORTED_PTX_VERSION'", "the driver is too old for what trains"),
        ("'CUDA_ERROR_NO_BINARY_FOR_GPU'", "what trains has no kernels for this GPU"),
    ],
)
def test_what_is_logged_of_a_kernel_that_does_not_load_is_told_as_what_it_means(
    child: Child, logged: str, meaning: str
) -> None:
    program = f"begin(); print({_NOT_LOADED + logged!r}, file=sys.stderr); {_UNLOADED}"
    (told, *_) = child.failure(program, device=GT1030)
    assert "worker InternalError: CUDA_ERROR_INVALID_HANDLE, during epoch 1; " + meaning in told
    assert meaning not in child.failure(program)[0]  # the CPU loads no such kernel


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ('sys.exit("no module named bench")', "no module named bench"),
        ('print("libcudart.so.12: cannot open"); sys.exit(1)', "libcudart.so.12: cannot open"),
    ],
)
def test_a_worker_that_dies_before_it_reads_its_job_is_told_by_its_last_lines(
    child: Child, program: str, line: str
) -> None:
    told = "mlp on cpu: worker ended with exit status 1, during start-up"
    assert child.failure(program, reads="") == [told, "its last lines:", line]


def test_a_worker_killed_for_want_of_memory_is_told_so(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = iter([4, 5])
    monkeypatch.setattr(supervisor, "oom_kills", lambda: next(counted))
    lines = child.failure("begin(); os.kill(os.getpid(), signal.SIGKILL)")
    told = "killed by SIGKILL: the kernel ran out of memory; see `dmesg | tail`"
    assert lines == [f"mlp on cpu: worker {told}, during epoch 1"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("nr_free_pages 4211\noom_kill 17\nnuma_hit 3\n", 17), ("nr_free_pages 4211\n", 0)],
)
def test_the_kernels_count_of_such_kills_is_read_from_vmstat(
    tmp_path: Path, text: str, count: int
) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text(text, encoding="ascii")
    assert supervisor.oom_kills(vmstat) == count


def test_of_what_a_worker_wrote_the_last_lines_are_shown_without_what_is_routine(
    child: Child,
) -> None:
    written = [
        *(f"line {number}" for number in range(20)),
        "line 19",  # once is enough
        "WARNING: All log messages before absl::InitializeLog() is called are",
        "I0000 00:00:1763.1 port.cc:153] oneDNN custom operations are on",
        "E0000 00:00:1.2 cuda_platform.cc:52] failed call to cuInit: INTERNAL",
        "F0000 00:00:1.3 env.cc:84] Check failed: ret == 0 (11 vs. 0)",
        "*** Check failure stack trace: ***",
        *(f"    @     0x7f278116{address:04x}  tensorflow::Execute()" for address in range(40)),
    ]
    program = f"begin()\nfor line in {written}: print(line, file=sys.stderr)\nsys.exit(3)"
    shown = [*(f"line {number}" for number in range(9, 20)), written[24]]
    told = "worker ended with exit status 3, during epoch 1"
    assert child.failure(program) == [f"mlp on cpu: {told}", "its last lines:", *shown]
    # Where a GPU was asked for, that CUDA did not start is no routine.
    assert written[23] in child.failure(program, device=GT1030)


def test_a_log_that_somebody_has_removed_takes_no_reason_away(child: Child) -> None:
    program = "os.unlink(os.readlink('/proc/self/fd/2')); sys.exit('gone')"
    (line,) = child.failure(program)
    assert line == "mlp on cpu: worker ended with exit status 1, during start-up"


def test_a_grandchild_that_holds_the_pipe_dies_with_the_worker_and_nobody_waits_for_it(
    child: Child, ended: Callable[[int], bool]
) -> None:
    lines = child.failure(
        f"""
        begin()
        left_behind = subprocess.Popen([{sys.executable!r}, "-c", "import signal; signal.pause()"])
        tell(pid=left_behind.pid)
        sys.exit(3)
        """
    )
    assert lines[0].startswith("mlp on cpu: worker ended with exit status 3")
    assert ended(child.told["pid"])
