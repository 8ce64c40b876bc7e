"""One word for a training: may its times be believed, and if not, what repairs that.

    OK            nothing that was measured speaks against them
    BELOW-FLOOR   the network did not learn what it should, or too well
    CONTENDED     somebody else used the same processors or the same GPU
    THROTTLED     heat, the power supply or a quota held the hardware down
    POWER-CAPPED  a setting keeps it below what it was made for
    DRIFT         the epochs became slower or faster while it went on, and nothing above says why
    NOISY         the epochs differ, and nothing above says why

The first that holds is the word, in this order.  A network that did not learn has no speed,
however quietly it trained.  A neighbour heats a GPU and eats its power, so it comes before
throttling; heat is a state and a cap a setting, so what may be over tomorrow is told before what
stays.  Noise is what all of them look like in the end: the word only where no cause is known.

A flagged training is kept, and is never a baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from bench.judge.drift import change
from bench.judge.rerun import limit, rerun_command, without
from bench.record.conditions import Conditions
from bench.record.head import Device
from bench.record.inference import Latency, Throughput
from bench.record.measured import Measured
from bench.record.model import Finished, TimeToTarget
from bench.record.telemetry import Reasons, Telemetry, Throttled
from bench.record.verdict import Verdict

Judged: TypeAlias = Finished | TimeToTarget


@dataclass(frozen=True, slots=True)
class _Answering:
    """What was seen while a network answered, by the names that a training has it under."""

    device: Device
    conditions: Conditions
    telemetry: Telemetry | None


_Seen: TypeAlias = Judged | _Answering

# The median absolute deviation of the steady epochs, as a share of their median.  Quiet, it is 1
# to 2 % for the workloads here (tests/unit/conditions/quiet.json); beside neighbours wall times
# varied by 24 %.  At 5 % half the epochs are further than that from the median: two such medians
# that differ by 5 % say nothing.
NOISY_SPREAD = 0.05

# The share of the worker's processors that others used.  A desktop at rest and a server's daemons
# stay below 3 %; a tenth of the processors moves an epoch by about as much.
OTHER_LOAD = 0.10
# … and the share of the time in which some task waited for a processor.  TensorFlow has more
# threads than there are processors, so that they wait for each other on a quiet machine too:
# waiting counts only beside the load of others, and their load only where somebody waits.
PRESSURE = 0.10
# Where the kernel keeps no pressure: processors that were idle for less than this share are full.
FULL_IDLE = 0.10
# The share of the time that the hypervisor gave to other machines.  With processors of its own a
# virtual machine stays below .5 %; what is stolen is missing from the epoch one to one.
STEAL = 0.02
# The share of the time in which every task waited for memory: none does, where there is enough.
MEMORY_PRESSURE = 0.01
# What another process used of the GPU in its busiest moment.  A notebook that was left open holds
# memory and computes nothing: it does no harm.
FOREIGN_BUSY = 0.01

# The share of the steady epochs in which the clocks were held down.  The counters run for
# microseconds at a time on healthy GPUs (NVIDIA/DCGM#242, #285), so that any time at all is no
# sign; 1 % of the time at half the clock makes half a per cent of an epoch.
THROTTLED_SHARE = 0.01
# Where there are no counters, the moment is looked at twice a second.  One reading may be a clock
# that just changes, which shows the same bit; two, in s, are a state.
THROTTLED_SAMPLED = 1.0

# The power limit as a share of the default.  Limits are rounded to whole watts; somebody who lowers
# one lowers it by more.
LIMIT_SHARE = 0.98
# … and the share of the steady epochs in which it held the clocks down.  At its default limit a GPU
# may spend all its life there, because that is how boost works: a healthy RTX 5070 had ten minutes
# (shkhln/libc6-shim#14).  That is no cap, and a lowered limit that never binds costs nothing.
POWER_SHARE = 0.02
# Where that is not counted: mean power so near the limit is a limit that binds.
NEAR_THE_LIMIT = 0.95

# What holds the clocks down and is no setting.  Not `reliability`: that is the voltage at which
# boost ends, and not known to stand still on a healthy GeForce.
_THROTTLES = {
    "thermal": "heat",
    "software_thermal": "heat (the driver's limit)",
    "hardware_thermal": "heat (the chip's own limit)",
    "board": "the board's supply",
    "power_brake": "the power supply's brake signal",
    "hardware_slowdown": "the hardware",
}
# Platform profiles that keep the clocks low (the kernel's sysfs-platform_profile).
_SLOW_PROFILES = ("low-power", "quiet", "cool")
# These drivers choose the clock themselves, and `powersave` is only their name for normal.
_OWN_CHOICE = ("intel_pstate", "amd-pstate-epp", "amd_pstate_epp")


def judge(result: Judged, rerun_options: Sequence[str] = ()) -> Verdict:
    """The verdict of a finished training.

    rerun_options: the options that train the same again, but what names the row.
    """
    below_floor = partial(_below_floor, rerun_options=rerun_options)
    noisy = partial(_noisy, rerun_options=rerun_options)
    for find in (below_floor, _contended, _throttled, _power_capped, _drift, noisy):
        verdict = next(find(result), None)
        if verdict is not None:
            return verdict
    return Verdict("OK", _spread_words(result), None)


def judge_inference(
    device: Device,
    conditions: Conditions,
    telemetry: Telemetry | None,
    latency: Latency,
    throughput: Throughput,
    longer: str,
) -> Verdict:
    """The same of how fast a network answers; what it learned makes no answer faster.

    longer: the command that measures it again, and for longer.
    """
    seen = _Answering(device, conditions, telemetry)
    for find in (_contended, _throttled, _power_capped):
        verdict = next(find(seen), None)
        if verdict is not None:
            return verdict
    beside = f"nvidia-smi{_choice(device)} dmon" if device.is_gpu else "vmstat 5"
    told = []
    for what, times, middle, spread in (
        ("one answer", latency.parts, latency.median, latency.spread),
        ("a batch", throughput.rounds, throughput.median, throughput.spread),
    ):
        if found := change(times):
            evidence = f"{what} took {_ms(found.before)} at first and {_ms(found.now)} at last"
            return Verdict("DRIFT", evidence, f"{beside} beside it shows what changes meanwhile")
        told.append(f"{what} varies by {_percent(spread / middle)} (MAD)")
        if spread / middle > NOISY_SPREAD:
            return Verdict("NOISY", f"{told[-1]}, cause unknown", longer)
    return Verdict("OK", ", ".join(told), None)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


def _below_floor(result: Judged, rerun_options: Sequence[str]) -> Iterator[Verdict]:
    if result.quality.reason is not None:
        verify = f"; ansible-playbook playbooks/verify.yml{limit()}"
        proof = verify if result.device.is_gpu else ""
        seed = next((int(word[7:]) for word in rerun_options if word.startswith("--seed=")), 1)
        another = [*without("--seed", rerun_options), "--seed", str((seed + 1) % 2**32)]
        fix = f"{rerun_command(result, another)}{proof}"
        yield Verdict("BELOW-FLOOR", result.quality.reason, fix)


def _contended(result: _Seen) -> Iterator[Verdict]:
    conditions = result.conditions
    others = (result.telemetry.processes.value if result.telemetry else None) or ()
    there = [each for each in others if each.busy is None or each.busy >= FOREIGN_BUSY]
    if there:
        evidence = f"{', '.join(each.title for each in there)} computed on the same GPU"
        fix = f"nvidia-smi{_choice(result.device)} shows it; wait for it"
        yield Verdict("CONTENDED", evidence, fix)
    load, pressure = conditions.other_load.value, conditions.pressure.cpu.some.value
    if load is not None and load >= OTHER_LOAD and _somebody_waited(conditions):
        waited = "" if pressure is None else f", and tasks waited {_percent(pressure)} of the time"
        evidence = f"other programs used {_percent(load)} of its processors{waited}"
        fix = "ps -eo pcpu,pid,comm --sort=-pcpu | head shows them; wait for them, or end them"
        yield Verdict("CONTENDED", evidence, fix)
    steal = conditions.steal.value
    if steal is not None and steal >= STEAL:
        evidence = f"the hypervisor gave {_percent(steal)} of its time to other machines"
        fix = "vmstat 5 shows it as st; take processors of your own, or another hour"
        yield Verdict("CONTENDED", evidence, fix)
    stalled = conditions.pressure.memory.full.value
    if stalled is not None and stalled >= MEMORY_PRESSURE:
        evidence = f"everything waited for memory {_percent(stalled)} of the time"
        fix = "ps -eo rss,pid,comm --sort=-rss | head shows who has it; end that"
        yield Verdict("CONTENDED", evidence, fix)


def _somebody_waited(conditions: Conditions) -> bool:
    pressure, idle = conditions.pressure.cpu.some.value, conditions.idle.value
    if pressure is not None:
        return pressure >= PRESSURE
    return idle is not None and idle < FULL_IDLE


def _throttled(result: _Seen) -> Iterator[Verdict]:
    telemetry, conditions = result.telemetry, result.conditions
    if telemetry and (shares := _throttle_shares(telemetry)):
        reason = max(shares, key=shares.__getitem__)
        warm = telemetry.temperature.value
        at = "" if warm is None else f", at up to {warm:.0f} °C"
        evidence = (
            f"{_THROTTLES[reason]} held the clocks down {_percent(shares[reason])} of the time{at}"
        )
        query = f"nvidia-smi -q{_choice(result.device)} -d TEMPERATURE,PERFORMANCE"
        supply = reason in ("board", "power_brake")
        fix = "check the supply and its cables" if supply else "cool it: air, fans, dust"
        yield Verdict("THROTTLED", evidence, f"{query} shows it; {fix}")
    quota = conditions.quota.throttled.value
    if quota is not None and quota >= THROTTLED_SHARE:
        evidence = f"its control group's CPU quota stopped it {_percent(quota)} of the time"
        fix = "docker update --cpus N CONTAINER, or start it under `taskset` on as many"
        yield Verdict("THROTTLED", evidence, fix)
    heat = conditions.throttled.value
    if heat is not None and heat >= THROTTLED_SHARE:
        evidence = f"heat held the processor down {_percent(heat)} of the time"
        fix = "sensors shows the temperatures; cool it: air, fans, dust"
        yield Verdict("THROTTLED", evidence, fix)


def _throttle_shares(telemetry: Telemetry) -> dict[str, float]:
    """The shares of the time that are too much, by reason: counted, else as it was seen."""
    seconds, found = telemetry.steady_seconds, {}
    if not seconds:
        return {}
    for reason in _THROTTLES:
        counted = _seen(telemetry.throttled, reason)
        if counted is not None and counted >= THROTTLED_SHARE * seconds:
            found[reason] = min(1.0, counted / seconds)
        seen = _seen(telemetry.reasons, reason)
        if counted is None and seen is not None and seen * seconds >= THROTTLED_SAMPLED:
            found[reason] = seen
    if len(found) > 1 or telemetry.throttled.hardware_thermal.value is not None:
        found.pop("hardware_slowdown", None)  # the bit that stands beside any of the others
    return found


def _seen(by_reason: Throttled | Reasons, reason: str) -> float | None:
    """What was measured of a reason; not every one is both counted and sampled."""
    measured: Measured[float] | None = getattr(by_reason, reason, None)
    return measured.value if measured else None


def _power_capped(result: _Seen) -> Iterator[Verdict]:
    if result.telemetry is not None:
        yield from _gpu_capped(result.telemetry, result.device)
    governor = result.conditions.governor.value
    driver = result.conditions.scaling_driver.value
    if governor is not None and "powersave" in governor and driver not in _OWN_CHOICE:
        evidence = f"the governor {governor} keeps the processor at its lowest clock ({driver})"
        yield Verdict("POWER-CAPPED", evidence, "sudo cpupower frequency-set -g performance")
    source, profile = result.conditions.power_source.value, result.conditions.power_profile.value
    if source is not None and source != "mains":
        yield Verdict("POWER-CAPPED", f"the machine ran on its {source}", "plug it in")
    if profile in _SLOW_PROFILES:
        evidence = f"the power profile {profile} keeps the clocks low"
        yield Verdict("POWER-CAPPED", evidence, "powerprofilesctl set performance")


def _gpu_capped(telemetry: Telemetry, device: Device) -> Iterator[Verdict]:
    power = telemetry.power
    share, limit, default = power.limit_share.value, power.limit.value, power.default_limit.value
    if share is None or limit is None or default is None:
        return
    if share < LIMIT_SHARE and _limit_binds(telemetry, limit):
        evidence = (
            f"its power limit is {limit:.0f} W, {_percent(share)} of its {default:.0f} W, and binds"
        )
        fix = f"sudo nvidia-smi{_choice(device)} -pl {default:.0f}"
        yield Verdict("POWER-CAPPED", evidence, fix)


def _limit_binds(telemetry: Telemetry, limit: float) -> bool:
    counted, seconds = telemetry.throttled.power.value, telemetry.steady_seconds
    if counted is not None and seconds:
        return counted >= POWER_SHARE * seconds
    seen, mean = telemetry.reasons.power.value, telemetry.power.mean.value
    if seen is not None:
        return seen >= POWER_SHARE
    return mean is not None and mean >= NEAR_THE_LIMIT * limit


def _drift(result: Judged) -> Iterator[Verdict]:
    if not isinstance(result, Finished) or (found := change(result.epochs.steady)) is None:
        return
    last, until = len(result.epochs.steady) + 1, found.after + 1
    evidence = (
        f"an epoch took {found.before:.3g} s at first (median of epochs 2 to {until}) and "
        f"{found.now:.3g} s at last ({until + 1} to {last})"
    )
    beside = f"nvidia-smi{_choice(result.device)} dmon" if result.device.is_gpu else "vmstat 5"
    yield Verdict("DRIFT", evidence, f"{beside} beside it shows what changes meanwhile")


def _noisy(result: Judged, rerun_options: Sequence[str]) -> Iterator[Verdict]:
    lost = result.telemetry.lost if result.telemetry else None
    if lost:
        evidence = f"the GPU was lost beside it ({lost.why})"
        yield Verdict("NOISY", evidence, "sudo dmesg | grep -i xid says why")
    if result.epochs.relative_spread > NOISY_SPREAD:
        full = "--profile=full" in rerun_options
        more = ["--processes", "5"] if full else ["--profile", "full"]
        kept = rerun_options if full else without("--profile", rerun_options)
        fix = rerun_command(result, [*kept, *more])
        yield Verdict("NOISY", f"{_spread_words(result)}, cause unknown", fix)


def _spread_words(result: Judged) -> str:
    return f"epochs vary by {_percent(result.epochs.relative_spread)} (MAD)"


def _choice(device: Device) -> str:
    """nvidia-smi's option for the one GPU that was trained on; all, where there were several."""
    return "" if device.index is None else f" -i {device.index}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.1f} %"
