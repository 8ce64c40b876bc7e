"""The columns of an export: their names, which end with the unit, their meanings, their values.

`python -m bench.report.export.columns` writes the list in docs/commands.md.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from bench.report.export.trained import Trained

Cell: TypeAlias = str | int | float | bool | None

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "commands.md"
_LIST = re.compile(
    r"(?<=<!-- columns: made by python -m bench.report.export.columns -->\n).*?(?=<!-- end)",
    re.DOTALL,
)


class Column(NamedTuple):
    """One of them.

    source: where its value is from a training on; None anywhere on that way is None.
    """

    name: str
    meaning: str
    source: str

    def value(self, trained: Trained) -> Cell:
        """What stands in the column for a training."""
        value: Any = functools.reduce(_member, self.source.split("."), trained)
        return None if value == "" else value


def _member(value: Any, name: str) -> Any:
    return None if value is None else getattr(value, name)


COLUMNS = (
    Column("run", "name of the record", "run"),
    Column("started", "when the run began, UTC", "started"),
    Column("grindstone", "Grindstone's version", "record.grindstone"),
    Column("profile", "how much is trained", "record.settings.profile"),
    Column("host", "the machine's name", "record.machine.host"),
    Column("system", "its distribution", "record.machine.system"),
    Column("kernel", "its kernel's release", "record.machine.kernel"),
    Column("cpu", "its processor", "record.machine.cpu.name"),
    Column("memory_bytes", "its memory", "record.machine.memory"),
    Column("driver", "NVIDIA's version", "record.machine.driver"),
    # what was trained
    Column("workload", "name of the workload", "result.workload"),
    Column("device", "`cpu`, `gpu:0`, …", "result.device.id"),
    Column("device_name", "its model", "result.device.name"),
    Column("mode", "`stock` or `tuned`", "result.mode"),
    Column("variant", "what differs from the published training", "variant"),
    Column("side", "`A` or `B` of two environments", "result.side"),
    Column("repeat", "1, 2, …: a process each", "result.repeat"),
    Column("seed", "of weights, shuffling and dropout", "seed"),
    Column("experiment", "that it belongs to", "record.settings.experiment.name"),
    Column("kind", "`epochs`, or `target`: until a quality was reached", "kind"),
    Column("verdict", "`OK`, what is in doubt, `FAILED` or `INTERRUPTED`", "verdict"),
    Column("reason", "why it is not `OK`", "reason"),
    Column("dataset", "name of the data", "result.dataset.name"),
    Column("data_kind", "`real`, `synthetic` or `own`", "result.dataset.kind"),
    Column("train_images", "images of an epoch", "result.dataset.train_images"),
    Column("parameters", "weights of the network", "ended.model.parameters"),
    # how long it took
    Column("epochs", "how many were trained", "epochs"),
    Column("first_epoch_s", "epoch 1, with compilation", "timed.epochs.first"),
    Column("epoch_s", "median of the later epochs", "ended.epochs.median"),
    Column("epoch_spread_s", "their median absolute deviation", "ended.epochs.spread"),
    Column("images_per_s", "in the median epoch", "timed.images_per_second"),
    Column("achieved_flop_per_s", "arithmetic of the training", "timed.rate.achieved"),
    Column("peak_share", "the same, of the peak measured here", "timed.rate.share"),
    Column("input_waiting_share", "of an epoch, waiting for files", "timed.input.waiting"),
    Column("input_warm_waiting_share", "the same from the page cache", "timed.input.warm_waiting"),
    Column("bottleneck", "what limits the speed", "timed.bottleneck.cause"),
    # how fast the trained network answers
    Column("latency_s", "of one example, median", "answers.latency.median"),
    Column("latency_p95_s", "what 95 of 100 calls did not exceed", "answers.latency.p95"),
    Column("latency_p99_s", "what 99 of 100 calls did not exceed", "answers.latency.p99"),
    Column("latency_calls", "how many calls were timed", "answers.latency.calls"),
    Column("first_answer_s", "the first call, with compilation", "answers.latency.first"),
    Column("inference_batch", "examples in a batch", "answers.throughput.batch"),
    Column("inference_batch_s", "of a batch, median of the rounds", "answers.throughput.median"),
    Column("inference_batch_spread_s", "their MAD", "answers.throughput.spread"),
    Column("inference_images_per_s", "answered in batches", "answers.throughput.images_per_second"),
    Column("inference_verdict", "may these times be believed?", "answers.verdict.word"),
    Column("inference_reason", "why they may not, or are not there", "inference_reason"),
    # … and how long it takes to be good enough
    Column("target", "the hardest one", "hardest.target"),
    Column(
        "time_to_target_s",
        "median over the seeds; empty where one missed it",
        "hardest.median_seconds",
    ),
    # what it learned
    Column(
        "quality_metric",
        "what is measured; `mse` is in s², `pixel_mse` in lightness²",
        "ended.quality.metric",
    ),
    Column("quality", "after the last epoch", "timed.quality.value"),
    Column("quality_training", "the same on the training images", "timed.quality.training"),
    Column("quality_floor", "what has to be reached", "timed.quality.floor"),
    Column("quality_ok", "whether the time counts", "ended.quality.ok"),
    # what the devices did
    Column("energy_per_epoch_j", "of the GPU, or of the processor packages", "energy.value"),
    Column("power_w", "of the GPU, mean", "result.telemetry.power.mean.value"),
    Column("power_limit_w", "of the GPU", "result.telemetry.power.limit.value"),
    Column("sm_clock_mhz", "of the GPU, mean", "result.telemetry.clocks.sm.value"),
    Column("temperature_c", "of the GPU, highest", "result.telemetry.temperature.value"),
    Column("gpu_busy_share", "of the time, a kernel running", "result.telemetry.busy.value"),
    Column("gpu_memory_peak_bytes", "held by all", "result.telemetry.memory.peak.value"),
    Column("memory_peak_bytes", "held on the GPU by what trains", "ended.memory_peak"),
    Column(
        "other_load_share",
        "of the worker's processors, used by others",
        "result.conditions.other_load.value",
    ),
    Column("steal_share", "taken by the hypervisor", "result.conditions.steal.value"),
    # with what
    Column("python", "its version", "ended.worker.python"),
    Column("backend", "what is below Keras", "ended.worker.backend"),
    Column("tensorflow", "its version; empty with another backend", "ended.worker.tensorflow"),
    Column("backend_version", "of what is below Keras", "ended.worker.version"),
    Column("keras", "its version", "ended.worker.keras"),
    Column("precision", "of the arithmetic", "ended.worker.pinned.precision"),
    Column("tf32", "whether it was allowed", "ended.worker.pinned.tf32"),
    Column("xla", "whether it compiled", "ended.worker.pinned.xla"),
    Column("threads", "that share an operation", "ended.worker.pinned.threads"),
    Column("environment", "variables that change the program", "ended.worker.pinned.variables"),
    Column("libraries", "that are not the environment's own", "ended.worker.foreign"),
)

# What an issue's comment has room for; of these, too, only what some row has a value of.
SHORT = (
    *("run", "host", "workload", "device", "device_name", "mode", "variant", "side", "verdict"),
    *("epoch_s", "epoch_spread_s", "images_per_s", "latency_s", "inference_images_per_s"),
    *("inference_verdict", "time_to_target_s", "energy_per_epoch_j"),
    *("quality_metric", "quality", "backend", "backend_version", "driver"),
)


def documented() -> Iterator[str]:
    """The lines of the table in docs/commands.md."""
    yield "| column | |"
    yield "|---|---|"
    for column in COLUMNS:
        yield f"| `{column.name}` | {column.meaning} |"


if __name__ == "__main__":
    made = "\n".join(documented()) + "\n"
    DOCUMENT.write_text(_LIST.sub(lambda _: made, DOCUMENT.read_text("utf-8")), "utf-8")
