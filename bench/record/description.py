"""The file beside a saved network: all that it takes to use it, `post-cpu.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import RecordError, shown, why
from bench.record.measured import Count, Line, Number, Part, Positive, Sha256, Text
from bench.record.model import DataSet, File
from bench.record.quality import Quality
from bench.record.variant import Variant
from bench.workloads.workload import Metric, Mode

SCHEMA: Literal[1] = 1
_LARGEST = 1 << 20  # bytes; it has a few thousand


class Preprocessing(Part, frozen=True, kw_only=True):
    """How a picture is made what the network takes, and what its answer means.

    image: height, width and channels.
    scale: what pixels of 0 to 255 are multiplied by; null feeds them as they are.
    target_scale: what the targets were multiplied by, so that answers are divided by it.
    metric: what the quality is measured in.
    labels: what a classifier's outputs stand for, in their order; none of a regression.
    """

    image: tuple[Number, Number, Number]
    scale: Positive | None
    target_scale: Positive
    metric: Metric
    labels: tuple[Line, ...] = ()


class TrainedOn(Part, frozen=True, kw_only=True):
    """The training images, by which it is seen whether others are among them.

    file: with a fingerprint of each, beside the network.
    sha256: of its content.
    mean: of their targets, which the mean predictor says; null of a classifier.
    """

    file: Text
    sha256: Sha256
    mean: float | None = None


class Description(Part, frozen=True, kw_only=True):
    """What a saved network is.

    schema: the shape of this file.
    grindstone: the version that wrote it.
    sha256: of the file with the network.
    keras: its version.
    workload: its name.
    file: that the workload is in, where it is none of Grindstone's; else null.
    mode: how it was trained.
    variant: what differs from the published training, its design too; null where nothing does.
    seed: of weights, shuffling and dropout.
    dataset: what it was trained and judged on.
    quality: what it learned.
    preprocessing: null where the workload is a file of one's own, which alone knows it.
    trained_on: likewise.
    """

    schema: Literal[1] = SCHEMA
    grindstone: Text
    sha256: Sha256
    keras: Text
    workload: Text
    file: File | None = None
    mode: Mode
    variant: Variant | None = None
    seed: Count
    dataset: DataSet
    quality: Quality
    preprocessing: Preprocessing | None = None
    trained_on: TrainedOn | None = None


def beside(network: Path) -> Path:
    """Where the description of a network is: `post-cpu.json` of `post-cpu.keras`."""
    return network.with_suffix(".json")


def encode(description: Description) -> bytes:
    """As the file holds it, for people to read, too."""
    return msgspec.json.format(msgspec.json.encode(description), indent=2) + b"\n"


def read(path: Path) -> Description:
    """The description in a file.

    Raises:
        RecordError: it is not there, cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise RecordError(
            f"{shown(path)} is not there, which says what the network takes; copy it from beside "
            "the network that --save-models saved"
        ) from error
    except OSError as error:
        raise RecordError(f"{shown(path)} cannot be read: {why(error)}") from error
    if len(data) > _LARGEST:
        raise RecordError(f"{shown(path)} is larger than any description of a network")
    try:
        return msgspec.json.decode(data, type=Description)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(
            f"{shown(path)} is no description of a network ({shown(error)}); copy it again from "
            "beside the network, or save the network anew with --save-models"
        ) from error
