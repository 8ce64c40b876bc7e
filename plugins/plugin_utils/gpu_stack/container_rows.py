"""The rows of containers: engines, what gives them the GPUs, and images to name."""

from __future__ import annotations

from typing import Literal

from ..requirements import msgspec
from .rows import Capability, Names, Row, Text, Version

EngineName = Literal["podman", "docker"]


class EngineOffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An engine of a system's.  version: "" where it rolls.  unit: what has to run, "" for none."""

    package: Text
    version: str = ""
    unit: str = ""


class ToolkitSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The repository of the container toolkit: its folder, and its key's file and fingerprint."""

    distro: Text
    arch: Text
    key: Text
    key_fingerprint: Text


class ContainerOffer(Row, frozen=True, kw_only=True):
    """How a system trains inside a container.

    engines: in the order in which they are taken.
    toolkit: the package that describes the GPUs; repository: where it is from, None for the
        system's own archive.
    """

    system: Text
    versions: Names = ()
    architectures: Names
    engines: dict[EngineName, EngineOffer]
    toolkit: Text
    repository: ToolkitSource | None = None


class EngineFloor(Row, frozen=True, kw_only=True):
    """The oldest version of an engine that knows CDI by itself."""

    engine: EngineName
    version: Version


class Image(Row, frozen=True, kw_only=True):
    """An image with TensorFlow, by its name alone.

    capabilities: the lowest and the highest compute capability that it has kernels for.
    """

    name: Text
    tensorflow: Version
    capabilities: tuple[Capability, Capability]
