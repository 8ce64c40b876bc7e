"""A machine with GPUs that are not there: TensorFlow from a stack's lock, over fake_cuda's driver.

What it shows is whether modules load and where programs end.  No kernel runs, so that numbers,
times and anything that depends on them mean nothing.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conftest import ROOT
from tests.support.cache import cache_folder, locked, remove_stale
from tests.support.environments import prefix
from tests.support.fake_cuda import build
from tests.support.forks import forks

_LONGEST = 900.0  # s; on a loaded machine a start takes minutes
# XLA would measure which of many kernels is the fastest, of kernels that do nothing.
_XLA_FLAGS = "--xla_gpu_autotune_level=0"


@dataclass(frozen=True)
class FakeGpus:
    """The environment, and what its driver answers with.

    settings: FAKE_GPU_…, as fake_cuda/machine.h has them.
    """

    environment: Path
    settings: Mapping[str, str]

    @property
    def python(self) -> Path:
        return self.environment / "bin/python"

    def having(self, **settings: str) -> FakeGpus:
        """The same with other GPUs: `capability="9.0"` is FAKE_GPU_CAPABILITY."""
        named = {f"FAKE_GPU_{name.upper()}": value for name, value in settings.items()}
        return replace(self, settings={**self.settings, **named})

    @property
    def variables(self) -> dict[str, str]:
        """What a process needs in its environment to be on this machine."""
        return {
            **self.settings,
            "LD_LIBRARY_PATH": str(self.environment / "driver"),
            "XLA_FLAGS": _XLA_FLAGS,
        }

    def process(self) -> dict[str, str]:
        """All of a process' environment there."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return {**kept, "TF_FORCE_GPU_ALLOW_GROWTH": "true", **self.variables}

    def forked(self, script: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a script there, behind the one import of TensorFlow that all such have."""
        without = replace(self, settings={}).process()
        parent = forks(self.python, ("tensorflow",), tuple(without.items()))
        return parent.run(script, *words, env={**self.settings, **more})

    def run(self, *words: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Runs the environment's Python there."""
        return subprocess.run(
            [self.python, *words],
            cwd=ROOT,
            env={**self.process(), **more},
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST,
        )


def machine(lock: str, cudnn: str) -> FakeGpus:
    """The machine with the environment of a lock, made if it is not kept yet."""
    stem = Path(lock).stem
    name = f"fake-{stem}-{_digest(lock)}"
    target = cache_folder() / name
    with locked(f"fake-{stem}"):
        if not target.exists():
            remove_stale(f"fake-{stem}-*")
            build.environment(
                prefix(_prefix(lock), "wheels", lock, cudnn).path / "tensorflow", target
            )
        os.utime(target)
    return FakeGpus(target, {})


def _prefix(lock: str) -> str:
    return "repaired" if lock == "tensorflow-2.21.0-cuda12.txt" else Path(lock).stem


def _digest(lock: str) -> str:
    """Of all that such an environment is made of, in short."""
    role = ROOT / "roles/tensorflow"
    files = [role / "files" / lock, *sorted(role.glob("vars/*")), *sorted(role.glob("templates/*"))]
    digest = hashlib.sha256(build.sources_digest().encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
