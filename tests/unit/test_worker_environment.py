"""What the environment changes is recorded; what it does not is not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench.worker import environment
from bench.worker.backends import TensorFlow
from bench.worker.messages import Job, Pinned

JOB = Job("mlp", False, 3, 1, {})
ON_GPU = Job("mlp", True, 3, 1, {})


def worker(
    monkeypatch: pytest.MonkeyPatch,
    job: Job = JOB,
    others: dict[str, str] | None = None,
    threads: int = 0,
    jit: str = "",
    options: dict[str, bool] | None = None,
    **variables: str,
) -> Pinned:
    monkeypatch.setattr(environment, "_AT_START", {**(others or {}), **variables})
    numerics = SimpleNamespace(tensor_float_32_execution_enabled=lambda: True)
    told = SimpleNamespace(get_intra_op_parallelism_threads=lambda: threads)
    optimizer = SimpleNamespace(get_jit=lambda: jit, get_experimental_options=lambda: options or {})
    config = SimpleNamespace(
        experimental=numerics,
        threading=told,
        optimizer=optimizer,
        list_physical_devices=lambda _kind: [],
    )
    policy = SimpleNamespace(global_policy=lambda: SimpleNamespace(name="float32"))
    backend = TensorFlow.__new__(TensorFlow)
    backend.tf = SimpleNamespace(config=config)
    backend.keras = SimpleNamespace(mixed_precision=policy)
    return environment.pinned(backend, job)


@pytest.mark.parametrize(
    "variables",
    [
        {"TF_ENABLE_ONEDNN_OPTS": "0"},
        {"OMP_NUM_THREADS": "1", "KMP_BLOCKTIME": "0"},
        {"LD_PRELOAD": "/usr/lib/libjemalloc.so.2", "MALLOC_CONF": "background_thread:true"},
        {"MKL_NUM_THREADS": "2", "DNNL_MAX_CPU_ISA": "AVX2"},
        {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"},
        {"TF_CONV2D_USE_FP16_ACCUMULATE": "1", "TF_SET_ONEDNN_FPMATH_MODE": "BF16"},
        {"TF_DATA_EXPERIMENT_OPT_OUT": "all", "TF_DUMP_GRAPH_PREFIX": "/tmp"},
        {"TF_AUTOTUNE_THRESHOLD": "2", "TF_CUBLAS_WORKSPACE_LIMIT_IN_MB": "1"},
    ],
)
def test_what_changes_the_program_is_recorded(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    assert worker(monkeypatch, JOB, variables).environment == variables


def test_places_logs_and_what_every_worker_has_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    found = worker(
        monkeypatch,
        PATH="/usr/bin",
        TF_TOKEN_app_terraform_io="secret",
        TF_VAR_password="secret",
        TF_CLI_CONFIG_FILE="/root/.terraformrc",
        TF_DATA_DIR="/root/.terraform",
        TF_DEBUG_LOG_VERBOSITY="3",
        LANG="C",
        TF_CPP_MIN_LOG_LEVEL="1",
        TF_FORCE_GPU_ALLOW_GROWTH="true",
        OMP_DISPLAY_ENV="",
        MKL_VERBOSE="1",
        TF_XLA_FLAGS=" ",
        XLA_FLAGS="--xla_gpu_cuda_data_dir=/opt/grindstone/cuda",
        NVIDIA_TF32_OVERRIDE="0",
        CUDA_VISIBLE_DEVICES="-1",
    )
    assert found.environment == {"CUDA_VISIBLE_DEVICES": "-1"}
    on_gpu = worker(
        monkeypatch,
        ON_GPU,
        CUDA_HOME="/usr/local/cuda",
        CUDA_VERSION="12.5",
        CUDA_CACHE_MAXSIZE="9",
        CUDA_DEVICE_ORDER="PCI_BUS_ID",
        CUDA_MODULE_LOADING="EAGER",
        XLA_FLAGS="--xla_gpu_cuda_data_dir=/a --xla_gpu_autotune_level=0",
    )
    assert on_gpu.environment == {
        "CUDA_MODULE_LOADING": "EAGER",
        "XLA_FLAGS": "--xla_gpu_autotune_level=0",
    }


@pytest.mark.parametrize(
    ("flags", "on_cpu", "on_gpu"),
    [
        ("", False, False),
        ("--tf_xla_auto_jit=2", False, True),
        ("--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit", True, True),
        ("--tf_xla_auto_jit=fusible --tf_xla_cpu_global_jit=true", True, True),
        ("--tf_xla_auto_jit=1 --tf_xla_cpu_global_jit=false", False, True),
        ("--tf_xla_auto_jit=0 --tf_xla_cpu_global_jit", False, False),
    ],
)
def test_xla_that_nobody_asked_for_is_seen(
    monkeypatch: pytest.MonkeyPatch, flags: str, on_cpu: bool, on_gpu: bool
) -> None:
    assert worker(monkeypatch, TF_XLA_FLAGS=flags).xla is on_cpu
    assert worker(monkeypatch, ON_GPU, TF_XLA_FLAGS=flags).xla is on_gpu


def test_what_a_file_of_one_s_own_has_set_is_asked_of_tensorflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_gpu = worker(monkeypatch, ON_GPU, jit="autoclustering")
    assert on_gpu.xla is True
    assert worker(monkeypatch, jit="autoclustering").xla is False, "a CPU takes a flag, too"
    mixed = worker(monkeypatch, ON_GPU, options={"auto_mixed_precision": True})
    assert mixed.precision == "float32, automatic mixed precision"


def test_precision_is_what_is_computed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = worker(monkeypatch, ON_GPU)
    assert (plain.tf32, plain.precision) == (True, "float32")
    assert worker(monkeypatch, ON_GPU, NVIDIA_TF32_OVERRIDE="0").tf32 is False
    mixed = {"TF_ENABLE_AUTO_MIXED_PRECISION": "1"}
    assert worker(monkeypatch, ON_GPU, mixed).precision == "float32, automatic mixed precision"
    assert worker(monkeypatch, JOB, mixed).precision == "float32"


def test_threads_are_those_that_an_operation_is_spread_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1, 2})
    assert worker(monkeypatch).threads == 3
    assert worker(monkeypatch, TF_NUM_INTRAOP_THREADS="1").threads == 1
    assert worker(monkeypatch, TF_NUM_INTRAOP_THREADS="0").threads == 3
    assert worker(monkeypatch, TF_NUM_INTRAOP_THREADS="many").threads == 3
    assert worker(monkeypatch, threads=2, TF_NUM_INTRAOP_THREADS="1").threads == 2


_NAMES = some.from_regex(r"[A-Z][A-Z0-9_]{0,30}", fullmatch=True)
_VALUES = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_HEARD = some.builds(
    str.__add__,
    some.sampled_from(["OMP_", "KMP_", "MKL_", "XLA_", "TF_NUM_", "TF_ENABLE_"]),
    _NAMES,
)


@given(some.dictionaries(_NAMES | _HEARD, _VALUES), some.booleans())
def test_of_any_environment_what_is_recorded_is_of_it_and_counts(
    variables: dict[str, str], is_gpu: bool
) -> None:
    found = environment.variables(variables, is_gpu=is_gpu)
    assert all(value and value in variables[name] for name, value in found.items())
    assert environment.variables(found, is_gpu=is_gpu) == found
    assert environment.variables(variables, is_gpu=True).items() >= found.items()


@given(
    some.dictionaries(_NAMES | _HEARD, _VALUES),
    some.sampled_from(["AWS_", "TF_VAR_", "TF_TOKEN_", "GITHUB_", "LC_", "SSH_", "KUBE"]),
    _NAMES,
    _VALUES,
)
def test_what_no_library_of_a_training_hears_makes_no_difference(
    variables: dict[str, str], prefix: str, name: str, value: str
) -> None:
    found = environment.variables(variables, is_gpu=True)
    other = {**variables, f"{prefix}{name}": value}
    assert environment.variables(other, is_gpu=True) == found


@given(_HEARD.filter(lambda name: not environment._SAYS_NOTHING.fullmatch(name)), _VALUES)
def test_what_a_library_hears_is_recorded_as_it_is_set(name: str, value: str) -> None:
    said = value.strip()
    found = environment.variables({name: value}, is_gpu=False)
    assert found == ({name: said} if said else {})
