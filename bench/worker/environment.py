"""What the environment changes in what is computed, or in how fast.

The backend is asked where it can be; of the rest its variables tell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from bench.worker import files, stock, tuned
from bench.worker.backends.backend import Backend
from bench.worker.cluster import loop
from bench.worker.messages import Job, Pinned
from bench.workloads.backend import Backend as BackendName

# Read before TensorFlow is imported: it sets variables of its own.
_AT_START = dict(os.environ)

# What begins like this is heard by the libraries below every backend, or gives them memory.
_HEARD = re.compile(
    r"(XLA|OMP|KMP|GOMP|MKL|DNNL|ONEDNN|OPENBLAS|MALLOC|MIMALLOC|TCMALLOC)_\w+"
    r"|LD_PRELOAD|GLIBC_TUNABLES"
)
# TensorFlow's own are chosen: Terraform's begin with TF_, too, and may hold a password.
_OF_TENSORFLOW = re.compile(
    r"TF_(ALLOW|AUTO|AUTOTUNE|CONV|CONV2D|CPU|CUBLAS|CUDA|CUDNN|CUFFT|DATA|DEBUG|DETERMINISTIC"
    r"|DEVICE|DISABLE|DUMP|EAGER|ENABLE|EXECUTOR|FORCE|FP16|FUSE|GPU|GRAPH|JIT|JITRT|MATMUL|MIN|MKL"
    r"|MLIR|NUM|ONEDNN|OPTIMIZER|OVERRIDE|PER_DEVICE|PFLR|RUN|SET|SYNC|USE|XLA)_\w+"
    r"|TF2_BEHAVIOR"
)
_HEARD_BY: dict[BackendName, re.Pattern[str]] = {
    "tensorflow": _OF_TENSORFLOW,
    "jax": re.compile(r"JAX_\w+"),
    "torch": re.compile(r"(TORCH|PYTORCH|TORCHINDUCTOR|KERAS_TORCH)_\w+"),
}
_HEARD_BY_GPUS = re.compile(r"(CUDA|CUDNN|CUBLAS|NCCL)_\w+|NVIDIA_TF32_OVERRIDE")
# Places and versions, what is logged, and what is the same in every worker.
_SAYS_NOTHING = re.compile(
    r".*_(PATH|HOME|ROOT|DIR|VERSION|INFO|VERBOSE|VERBOSITY|DEBUG)|TF_CPP_\w*"
    r"|TF_FORCE_GPU_ALLOW_GROWTH|XLA_PYTHON_CLIENT_PREALLOCATE|JAX_PLATFORMS|CUDA_DEVICE_ORDER"
    r"|CUDA_CACHE_\w*"
)
# Where XLA finds its tools: Grindstone's environment names its own folder.
_PLACE_OF_TOOLS = re.compile(r"--xla_gpu_cuda_data_dir=\S+\s*")


def pinned(backend: Backend, job: Job) -> Pinned:
    """What would otherwise differ between devices or machines, as it stands in this process."""
    set_ = variables(_AT_START, is_gpu=job.is_gpu, backend=job.backend)
    from_files = "paths" in job.data.get("train", {})
    trainer = tuned if job.mode == "tuned" else files if from_files else stock
    trainer = loop if job.cluster else trainer
    return Pinned(program=trainer.PROGRAM, **backend.numerics(job, set_), environment=set_)


def variables(
    environment: Mapping[str, str], *, is_gpu: bool, backend: BackendName = "tensorflow"
) -> dict[str, str]:
    """Those that change what is trained or how fast, and `CUDA_VISIBLE_DEVICES`."""
    heard = [_HEARD, _HEARD_BY[backend], *([_HEARD_BY_GPUS] if is_gpu else [])]
    found = {
        name: _PLACE_OF_TOOLS.sub("", value).strip()
        for name, value in sorted(environment.items())
        if any(pattern.fullmatch(name) for pattern in heard)
        if not _SAYS_NOTHING.fullmatch(name)
    }
    if (devices := environment.get("CUDA_VISIBLE_DEVICES")) is not None:
        found["CUDA_VISIBLE_DEVICES"] = devices
    return {name: value for name, value in found.items() if value}
