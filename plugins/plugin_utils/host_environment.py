"""Parts of `HostFacts`: the Pythons, the environment and the containers of a host."""

from __future__ import annotations

from .requirements import msgspec


class Python(msgspec.Struct, frozen=True):
    """An interpreter of the system's.

    version: "3.12".  whole: the standard library is all there.
    ensurepip: it can fill a virtual environment.  default: `python3` means it.
    """

    path: str
    version: str
    whole: bool = False
    ensurepip: bool = False
    default: bool = False


class Environment(msgspec.Struct, frozen=True):
    """The environment of TensorFlow, or what else trains.  cudnn: None where it was not looked for.

    tensorflow, jax, torch: their versions, "" for what is not there.
    wheel: the SHA-256 of a wheel of the user's own that it was made with, "" for the lock's.
    """

    python: str = ""
    tensorflow: str = ""
    jax: str = ""
    torch: str = ""
    wheel: str = ""
    cudnn: str | None = None

    @property
    def trains(self) -> str:
        """What trains in it, as "JAX 0.12.0"; "" where nothing does."""
        named = {"TensorFlow": self.tensorflow, "JAX": self.jax, "PyTorch": self.torch}
        return next((f"{name} {version}" for name, version in named.items() if version), "")


class Verified(msgspec.Struct, frozen=True):
    """The TensorFlow that the last verification passed with on the GPUs, "" for none.

    compiled: the chips that its kernels were compiled for, as the plan names them.
    """

    tensorflow: str = ""
    compiled: str = ""


class ContainerEngine(msgspec.Struct, frozen=True):
    """An engine: "podman" or "docker".  package: that it is from, or "snap"."""

    name: str
    version: str = ""
    package: str = ""


class Containers(msgspec.Struct, frozen=True):
    """What containers run by.

    toolkit: the version of NVIDIA's container toolkit.  repository: the file of somebody else's
        that sets its repository up.  cdi: the file that describes the GPUs.
    images: those that are trained in, each with the engine that Grindstone has fetched it with, ""
        for one that was there before.
    """

    engines: tuple[ContainerEngine, ...] = ()
    toolkit: str = ""
    repository: str = ""
    cdi: str = ""
    images: dict[str, str] = {}  # noqa: RUF012 (msgspec makes a new one each time)
