"""What the environment changes in what TensorFlow computes, or in how fast.

TensorFlow is asked where it can be; of the rest its variables tell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from bench.worker import files, stock, tuned
from bench.worker.messages import Job, Pinned

# Read before TensorFlow is imported: it sets variables of its own.
_AT_START = dict(os.environ)

# What begins like this is heard by TensorFlow, its libraries, or what gives them memory.
# TensorFlow's own are chosen: Terraform's begin with TF_, too, and may hold a password.
_HEARD = re.compile(
    r"TF_(ALLOW|AUTO|CONV|CPU|CUDA|CUDNN|DETERMINISTIC|DEVICE|DISABLE|ENABLE|EXECUTOR|FORCE|FP16"
    r"|FUSE|GPU|JIT|MATMUL|MKL|MLIR|NUM|ONEDNN|OPTIMIZER|OVERRIDE|PER_DEVICE|RUN|SYNC|USE|XLA)_\w+"
    r"|TF2_BEHAVIOR|(XLA|OMP|KMP|GOMP|MKL|DNNL|ONEDNN|OPENBLAS|MALLOC|MIMALLOC|TCMALLOC)_\w+"
    r"|LD_PRELOAD|GLIBC_TUNABLES"
)
_HEARD_BY_GPUS = re.compile(r"(CUDA|CUDNN|CUBLAS|NCCL)_\w+|NVIDIA_TF32_OVERRIDE")
# Places and versions, what is logged, and what is the same in every worker.
_SAYS_NOTHING = re.compile(
    r".*_(PATH|HOME|ROOT|DIR|VERSION|INFO|VERBOSE|DEBUG)|TF_CPP_\w*|TF_FORCE_GPU_ALLOW_GROWTH"
    r"|CUDA_DEVICE_ORDER|CUDA_CACHE_\w*"
)
# Where XLA finds its tools: Grindstone's environment names its own folder.
_PLACE_OF_TOOLS = re.compile(r"--xla_gpu_cuda_data_dir=\S+\s*")


def pinned(tf: Any, keras: Any, job: Job) -> Pinned:
    """What would otherwise differ between devices or machines, as it stands in this process."""
    set_ = variables(_AT_START, is_gpu=job.is_gpu)
    is_tuned = job.mode == "tuned"
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    trainer = tuned if is_tuned else files if "paths" in job.data.get("train", {}) else stock
    return Pinned(
        program=trainer.PROGRAM,
        xla=job.xla
        or (is_tuned and tuned.uses_xla(tf))
        or clusters_by_itself(set_, is_gpu=job.is_gpu),
        tf32=bool(tf32) and set_.get("NVIDIA_TF32_OVERRIDE") != "0",
        precision=_precision(keras, set_, is_gpu=job.is_gpu),
        deterministic_ops=_deterministic_ops(set_),
        threads=_threads(tf, set_),
        environment=set_,
    )


def variables(environment: Mapping[str, str], *, is_gpu: bool) -> dict[str, str]:
    """Those that change what is trained or how fast, and `CUDA_VISIBLE_DEVICES`."""
    found = {
        name: _PLACE_OF_TOOLS.sub("", value).strip()
        for name, value in sorted(environment.items())
        if _HEARD.fullmatch(name) or (is_gpu and _HEARD_BY_GPUS.fullmatch(name))
        if not _SAYS_NOTHING.fullmatch(name)
    }
    if (devices := environment.get("CUDA_VISIBLE_DEVICES")) is not None:
        found["CUDA_VISIBLE_DEVICES"] = devices
    return {name: value for name, value in found.items() if value}


def clusters_by_itself(set_: Mapping[str, str], *, is_gpu: bool) -> bool:
    """Whether TF_XLA_FLAGS has XLA compile what nobody asked it to.

    On a CPU that takes `--tf_xla_cpu_global_jit` too (tensorflow/compiler/jit/flags.cc).
    """
    flags = set_.get("TF_XLA_FLAGS", "")
    level = re.search(r"--tf_xla_auto_jit=(\S+)", flags)
    on_cpu = re.search(r"--tf_xla_cpu_global_jit(?!=(false|0))", flags)
    return level is not None and level[1] not in ("0", "-1") and (is_gpu or on_cpu is not None)


def _precision(keras: Any, set_: Mapping[str, str], *, is_gpu: bool) -> str:
    named: str = keras.mixed_precision.global_policy().name
    rewritten = any(
        _is_on(set_.get(f"TF_ENABLE_AUTO_MIXED_PRECISION{end}")) for end in ("", "_GRAPH_REWRITE")
    )
    return f"{named}, automatic mixed precision" if is_gpu and rewritten else named


def _deterministic_ops(set_: Mapping[str, str]) -> bool:
    try:  # it has no public name
        from tensorflow.python.framework.config import is_op_determinism_enabled
    except ImportError:
        return _is_on(set_.get("TF_DETERMINISTIC_OPS"))
    return bool(is_op_determinism_enabled())


def _threads(tf: Any, set_: Mapping[str, str]) -> int:
    """How many an operation is spread over: as it was told, else as many as there are processors.

    It takes the variable as `atoi` does, and 0 for not set (tensorflow/core/common_runtime).
    """
    told = tf.config.threading.get_intra_op_parallelism_threads()
    named = re.match(r"\s*\+?(\d+)", set_.get("TF_NUM_INTRAOP_THREADS", ""))
    return told or (int(named[1]) if named else 0) or len(os.sched_getaffinity(0))


def _is_on(value: str | None) -> bool:
    return value is not None and value.lower() in ("1", "true")
