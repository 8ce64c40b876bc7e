"""What speaks against a time, what limits it, and what explains it: a line each."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.judge import curve
from bench.record import ending
from bench.record.comparable import why_excluded
from bench.record.model import Failed, Finished, Record, Result, TargetResult, TimeToTarget
from bench.record.telemetry import Telemetry
from bench.record.variant import STOCK
from bench.report import format as shown
from bench.report import inference, rows, targets
from bench.report.caveats import caveats
from bench.workloads import ON_REQUEST, WORKLOADS
from bench.workloads.workload import ERRORS

Told = Sequence[Result | TargetResult]


def train_again(record: Record) -> list[str]:
    """The options that train the same again: its files or workloads, where not all by default."""
    settings = record.settings
    trained = dict.fromkeys(each.workload for each in (*record.results, *record.time_to_target))
    named = [name for name in trained if name in WORKLOADS or name in ON_REQUEST]
    chosen = [word for path in settings.workloads for word in ("--workload", path)]
    if named and not chosen and set(named) != set(WORKLOADS):
        chosen = ["-k", " or ".join(named)]
    devices = ["--device", ",".join(settings.devices)] if settings.devices else []
    return [*chosen, *devices, *settings.rerun_options]


# Pauses before epochs that are worth a word, in s and as a share of the median epoch: drawing the
# order and starting the input takes up to 0.1 s, and is no pause.
_PAUSE, _PAUSE_SHARE = 0.2, 0.05


def warnings(record: Record, told: Told, names: shown.Names) -> list[str]:
    """What failed, is in doubt or is odd, each with its fix where one is known.

    told: one result a row, and the trainings to targets.
    """
    lines: dict[str, None] = {}
    for each in told:
        lines |= dict.fromkeys(_warnings(each, names))
    doubted = [each for each in told if rows.outcome(record, each) != "DIVERGED"]
    lines |= dict.fromkeys(_doubts(doubted, names))
    lines |= dict.fromkeys(inference.warnings(told, names))
    lines |= dict.fromkeys(caveats(record, told, names))
    lines |= dict.fromkeys(_repeats(record, names))
    lines |= dict.fromkeys(_overfitting(told, names))
    why = record.machine.why_no_gpu
    if why and "; " in why and record.settings.devices is None:  # it says what to do
        lines[f"No GPU: {why}"] = None
    return list(lines)


def _warnings(result: Result | TargetResult, names: shown.Names) -> Iterator[str]:
    if isinstance(result, Failed) and not ending.was_interrupted(result):  # the first lines say so
        yield f"FAILED: {result.reason.splitlines()[0]}{_memory(result)}"
    if isinstance(result, Finished) and result.saved and result.saved.why:
        yield f"{names(result)}: the network was not saved: {result.saved.why}"
    telemetry, device = result.telemetry, result.device
    gpu = f"{device.id} ({shown.short_name(device.name)})"
    if telemetry and telemetry.lost:
        lost, when = telemetry.lost, f"in epoch {telemetry.lost.epoch}"
        if lost.seconds_into_it is not None:
            when = f"{lost.seconds_into_it:.1f} s into epoch {lost.epoch}"
        yield (
            f"GPU lost: {gpu}, {when} of {names(result)}: {lost.why}. Fix: `sudo dmesg | grep -i "
            "xid` shows why; power-cycle the machine"
        )
    if telemetry:
        yield from (f"{gpu}: {odd}" for odd in _odd(telemetry))


def _memory(result: Failed) -> str:
    """What to do where it ran out: of a batch that a person chose, or beside whoever holds it."""
    if "ran out of memory" not in result.reason.splitlines()[0]:
        return ""
    if result.way.variant.batch:
        return f". Fix: a smaller --batch than {result.way.variant.batch:,}"
    look = f"nvidia-smi -i {result.device.index}" if result.device.index is not None else "top"
    return f". Fix: {look} shows who else holds memory there; without them, a smaller --batch"


def _doubts(told: Told, names: shown.Names) -> Iterator[str]:
    """Each verdict but OK; those with the same fix together, with the first one's evidence."""
    alike: dict[tuple[str, ...], list[Finished | TimeToTarget]] = {}
    for each in told:
        if not isinstance(each, Failed) and each.verdict and each.verdict.fix:
            verdict = each.verdict
            own = (each.workload, verdict.evidence) if verdict.word == "BELOW-FLOOR" else ()
            alike.setdefault((verdict.word, each.verdict.fix, *own), []).append(each)
    for (word, fix, *_), results in alike.items():
        first = results[0]
        assert first.verdict is not None
        which = f" (in {names(first)})" if len(results) > 1 else ""
        who = ", ".join(map(names, results))
        yield f"{who}: {word}: {first.verdict.evidence}{which}. Fix: {fix}"


def _odd(telemetry: Telemetry) -> Iterator[str]:
    """What is odd about a GPU's link or memory, though no time need be wrong for it."""
    pcie, ecc = telemetry.pcie, telemetry.ecc
    slot = "Fix: check its slot, its riser and the firmware's PCIe settings"
    for what, now, most in (
        ("generation {}", pcie.generation.value, pcie.generation_limit.value),
        ("×{}", pcie.width.value, pcie.width_limit.value),
    ):
        if now is not None and most is not None and now < most:
            yield f"its PCIe link ran at {what.format(now)} of {what.format(most)}. {slot}"
    if ecc.uncorrected.value:
        yield (
            f"{ecc.uncorrected.value} uncorrectable memory errors. Fix: `nvidia-smi -q -d ECC` "
            "shows them; reset the GPU, and replace it if they come back"
        )
    remapped = ecc.remapped_rows.value
    if remapped and (remapped.pending or remapped.failed):
        yield (
            "its memory has rows to be remapped. Fix: `nvidia-smi -q -d ROW_REMAPPER` shows them; "
            "reset the GPU, or replace it where remapping failed"
        )


def _repeats(record: Record, names: shown.Names) -> Iterator[str]:
    """How many repeats of a row have something against them, where there are several.

    What stands in the table is one of them, whose verdict need not be theirs.
    """
    for row in rows.by_row(record.results):
        words = Counter(word for each in row if (word := rows.outcome(record, each)) != "OK")
        if len(row) > 1 and words:
            told = ", ".join(f"{count} {word}" for word, count in words.items())
            yield f"{names(row[0])}: {told} of {len(row)} repeats; comparisons leave them out"


def _overfitting(told: Told, names: shown.Names) -> Iterator[str]:
    """Since when a learning curve shows it."""
    for each in told:
        seen = curve.of(each).overfits if isinstance(each, Finished) else None
        if seen is not None and isinstance(each, Finished):
            best, last = (shown.quality(each.quality.metric, v) for v in (seen.then, seen.now))
            yield (
                f"{names(each)} overfits since epoch {seen.since}: it was worse than in the "
                f"{curve.EPOCHS} epochs before, and the training loss fell; {best} after "
                f"epoch {seen.best}, {last} at the end. Fix: fewer epochs, more images, dropout "
                "or augmentation"
            )


def bottlenecks(results: Sequence[Result], names: shown.Names) -> str:
    """What limits the speed, in a sentence a cause; where there are GPUs, theirs alone.

    Not of a training whose times something speaks against: that is what limited it.
    It is told of plain `model.fit`, where that was trained; of the rest the details tell.
    """
    known = [
        each
        for each in rows.finished(results)
        if each.bottleneck and each.bottleneck.cause != "unknown" and why_excluded(each) is None
    ]
    known = [each for each in known if each.device.is_gpu] or known
    known = [each for each in known if each.way == STOCK] or known
    causes: dict[str, list[Finished]] = {}
    for each in known:
        assert each.bottleneck is not None
        causes.setdefault(each.bottleneck.cause, []).append(each)
    return " ".join(_limited(cause, limited, names) for cause, limited in causes.items())


def _limited(cause: str, limited: Sequence[Finished], names: shown.Names) -> str:
    first = limited[0].bottleneck
    if len(limited) == 1 and first and first.evidence:
        return f"{names(limited[0])} is {cause} ({first.evidence})."
    return f"{shown.and_so([names(each) for each in limited])} are {cause}."


def details(record: Record, told: Told, names: shown.Names) -> list[str]:
    """What only explains."""
    lines: dict[str, None] = {}
    for tell in (_evidence, _answers, _baselines, _trained_with, _data):
        for each in told:
            if isinstance(each, (Finished, TimeToTarget)):
                lines |= dict.fromkeys(tell(each, names))
    lines |= dict.fromkeys(targets.why_no_energy(record.time_to_target, names))
    lines |= dict.fromkeys(_no_energy(told, names))
    lines |= dict.fromkeys([*_xla(told), *_pauses(told, names), *_telemetry(told)])
    if record.machine.why_no_gpu:
        lines[f"GPU: {record.machine.why_no_gpu}"] = None
    return list(lines)


def _evidence(result: Finished | TimeToTarget, names: shown.Names) -> Iterator[str]:
    """What its verdict rests on, and what limits it."""
    parts = []
    if result.verdict:
        parts.append(f"{result.verdict.word}, {result.verdict.evidence}")
    if isinstance(result, Finished) and result.bottleneck and why_excluded(result) is None:
        limit = result.bottleneck
        told = "; ".join(filter(None, (limit.evidence, limit.fix)))
        parts.append(f"bottleneck {limit.cause}: {told}" if told else f"bottleneck {limit.cause}")
    if parts:
        yield f"{names(result)}: {'; '.join(parts)}"


def _answers(result: Finished | TimeToTarget, names: shown.Names) -> Iterator[str]:
    """How fast the network answers, in all that was measured of it."""
    if isinstance(result, Finished):
        yield from inference.details(result, names)


def _baselines(result: Finished | TimeToTarget, _names: shown.Names) -> Iterator[str]:
    """What an MSE stands beside: a guess, and the best that anything could reach."""
    known = result.dataset.baselines
    metric = result.quality.metric
    if metric in ERRORS:
        of_a_guess, of_the_best = known["mean_predictor_mse"], known["best_possible_mse"]
        guess, best = (shown.quality(metric, each) for each in (of_a_guess, of_the_best))
        told = f"mean predictor {guess}, best possible {best}"
        yield f"{result.workload}: {told}"


def _trained_with(result: Finished | TimeToTarget, _names: shown.Names) -> Iterator[str]:
    """The software that trained, and what was pinned on every device alike."""
    worker = result.worker
    tf32 = "TF32 allowed" if worker.pinned.tf32 else "TF32 off"
    yield (
        f"Trained with {worker.framework} {worker.version}, Keras {worker.keras}, "
        f"NumPy {worker.numpy}, Python {worker.python}; {worker.pinned.precision}, {tf32}"
    )


def _data(result: Finished | TimeToTarget, _names: shown.Names) -> Iterator[str]:
    yield f"Data of {result.dataset.name}: {result.dataset.note}"


def _xla(told: Told) -> Iterator[str]:
    """Where XLA compiled."""
    ended = [each for each in told if isinstance(each, (Finished, TimeToTarget))]
    on = dict.fromkeys(
        f"{each.mode} on {each.device.id}" for each in ended if each.worker.pinned.xla
    )
    if ended:
        yield f"XLA: on for {shown.and_so(list(on))}" if on else "XLA: off on every device"


def _pauses(told: Told, names: shown.Names) -> Iterator[str]:
    """Where `fit` paused before epochs, and what your own script is rid of it by, in one line."""
    found = [
        f"{names(each)} {shown.seconds(statistics.median(long))} "
        f"(before {len(long)} of {len(each.epochs.steady)} epochs)"
        for each in told
        if isinstance(each, Finished) and (long := _long_pauses(each))
    ]
    if found:
        yield (
            f"Excluded from times: model.fit stalls: {', '.join(found)}. They wait for tf.data's "
            "autotuner; in your own script train from a tf.data.Dataset with "
            "options.autotune.enabled = False (docs/clock.md)"
        )


def _long_pauses(result: Finished) -> list[float]:
    least = max(_PAUSE, _PAUSE_SHARE * result.epochs.median)
    return [pause for pause in result.epochs.paused or () if pause >= least]


def _no_energy(told: Told, names: shown.Names) -> Iterator[str]:
    """Why a GPU's energy was not measured, the rows of one reason together."""
    whys: dict[str, list[str]] = {}
    for each in told:
        why = each.telemetry.energy.gross_per_epoch.why if each.telemetry else None
        if why and isinstance(each, Finished):
            whys.setdefault(why, []).append(names(each))
    for why, rows_ in whys.items():
        yield f"{', '.join(rows_)}: no energy: {why}"


def _telemetry(told: Told) -> Iterator[str]:
    """What watching the GPUs has cost."""
    watched = [each.telemetry for each in told if each.telemetry and each.telemetry.watched]
    if watched:
        most = max(each.cpu_seconds / each.watched for each in watched)
        yield (
            f"Telemetry: {1 / watched[0].interval:.3g} readings a second; its thread took "
            f"{100 * most:.2f} % of one CPU"
        )
