"""One word for a training: may its times be believed, and if not, what mends that.

    OK            nothing that was measured speaks against them
    BELOW-FLOOR   the network did not learn what it should, or too well
    CONTENDED     somebody else used the same processors or the same GPU
    THROTTLED     heat, the power supply or a quota held the hardware down
    POWER-CAPPED  a setting keeps it below what it was made for
    NOISY         the epochs differ, and nothing above says why

The first that holds is the word, in this order.  A network that did not learn has no speed,
however quietly it trained.  A neighbour heats a GPU and eats its power, so it comes before
throttling; heat is a state and a cap a setting, so what may be over tomorrow is told before what
stays.  Noise is what all of them look like in the end: the word only where no cause is known.

A flagged training is kept, and is never a baseline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.judge import rerun
from bench.observe.gpu.foreign import described

Word = Literal["OK", "NOISY", "CONTENDED", "THROTTLED", "POWER-CAPPED", "BELOW-FLOOR"]
Entry = Mapping[str, Any]

# The median absolute deviation of the steady epochs, as a share of their median.  Quiet, it is 1
# to 2 % for the workloads here (README.md); beside neighbours wall times varied by 24 %.  At 5 %
# half the epochs are further than that from the median: two such medians that differ by 5 % say
# nothing.
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
# These drivers choose the clock themselves, and `powersave` is only their name for normal.
_OWN_CHOICE = ("intel_pstate", "amd-pstate-epp", "amd_pstate_epp")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word with the evidence in a line and the command that mends it; None with OK."""

    word: Word
    evidence: str
    mend: str | None


def judge(entry: Entry) -> dict[str, Any]:
    """The verdict of a finished training's entry, as the record keeps it."""
    findings = (_below_floor, _contended, _throttled, _power_capped, _noisy)
    for find in findings:
        verdict = next(find(entry), None)
        if verdict is not None:
            return asdict(verdict)
    return asdict(Verdict("OK", f"{_spread_words(entry)}, and nothing held it back", None))


def may_be_baseline(entry: Entry) -> bool:
    """Whether other trainings may be held against this one."""
    return entry["status"] == "finished" and (entry.get("verdict") or {}).get("word") == "OK"


def _below_floor(entry: Entry) -> Iterator[Verdict]:
    quality = entry["quality"]
    if not quality["ok"]:
        proof = "" if entry["device"] == "cpu" else "; ansible-playbook playbooks/verify.yml"
        mend = f"{_again(entry)} --seed 2{proof}"
        yield Verdict("BELOW-FLOOR", quality["reason"], mend)


def _contended(entry: Entry) -> Iterator[Verdict]:
    conditions = entry["conditions"]
    others = _value(entry, "telemetry", "processes") or []
    there = [each for each in others if each["busy"] is None or each["busy"] >= FOREIGN_BUSY]
    if there:
        who = ", ".join(described(each) for each in there)
        evidence = f"{who} computed on the same GPU"
        yield Verdict("CONTENDED", evidence, f"nvidia-smi{_choice(entry)} shows it; wait for it")
    load, pressure = _value(conditions, "other_load"), _value(conditions, "pressure", "cpu", "some")
    if load is not None and load >= OTHER_LOAD and _somebody_waited(conditions):
        waited = "" if pressure is None else f", and tasks waited {_percent(pressure)} of the time"
        evidence = f"other programs used {_percent(load)} of its processors{waited}"
        yield Verdict("CONTENDED", evidence, "ps -eo pcpu,pid,comm --sort=-pcpu | head shows them")
    steal = _value(conditions, "steal")
    if steal is not None and steal >= STEAL:
        evidence = f"the hypervisor gave {_percent(steal)} of its time to other machines"
        mend = "vmstat 5 shows it as st; take processors of your own, or another hour"
        yield Verdict("CONTENDED", evidence, mend)
    stalled = _value(conditions, "pressure", "memory", "full")
    if stalled is not None and stalled >= MEMORY_PRESSURE:
        evidence = f"everything waited for memory {_percent(stalled)} of the time"
        yield Verdict(
            "CONTENDED", evidence, "ps -eo rss,pid,comm --sort=-rss | head shows who has it"
        )


def _somebody_waited(conditions: Mapping[str, Any]) -> bool:
    pressure = _value(conditions, "pressure", "cpu", "some")
    if pressure is not None:
        return bool(pressure >= PRESSURE)
    idle = _value(conditions, "idle")
    return idle is not None and idle < FULL_IDLE


def _throttled(entry: Entry) -> Iterator[Verdict]:
    shares = _throttle_shares(entry)
    if shares:
        reason = max(shares, key=shares.__getitem__)
        warm = _value(entry, "telemetry", "temperature")
        at = "" if warm is None else f", at up to {warm:.0f} °C"
        evidence = (
            f"{_THROTTLES[reason]} held the clocks down {_percent(shares[reason])} of the time{at}"
        )
        query = f"nvidia-smi -q{_choice(entry)} -d TEMPERATURE,PERFORMANCE"
        supply = reason in ("board", "power_brake")
        mend = "check the supply and its cables" if supply else "cool it: air, fans, dust"
        yield Verdict("THROTTLED", evidence, f"{query} shows it; {mend}")
    quota = _value(entry, "conditions", "quota", "held_back")
    if quota is not None and quota >= THROTTLED_SHARE:
        evidence = f"its control group's CPU quota stopped it {_percent(quota)} of the time"
        mend = "docker update --cpus N CONTAINER, or start it under `taskset` on as many"
        yield Verdict("THROTTLED", evidence, mend)
    heat = _value(entry, "conditions", "throttled")
    if heat is not None and heat >= THROTTLED_SHARE:
        evidence = f"heat held the processor down {_percent(heat)} of the time"
        yield Verdict(
            "THROTTLED", evidence, "sensors shows the temperatures; cool it: air, fans, dust"
        )


def _throttle_shares(entry: Entry) -> dict[str, float]:
    """The shares of the time that are too much, by reason: counted, else as it was seen."""
    telemetry, found = entry["telemetry"], {}
    seconds = telemetry and telemetry["steady_seconds"]
    if not seconds:
        return {}
    for reason in _THROTTLES:
        counted = _value(telemetry, "throttled", reason)
        if counted is not None and counted >= THROTTLED_SHARE * seconds:
            found[reason] = min(1.0, counted / seconds)
        seen = _value(telemetry, "reasons", reason)
        if counted is None and seen is not None and seen * seconds >= THROTTLED_SAMPLED:
            found[reason] = seen
    if len(found) > 1 or _value(telemetry, "throttled", "hardware_thermal") is not None:
        found.pop("hardware_slowdown", None)  # the bit that stands beside any of the others
    return found


def _power_capped(entry: Entry) -> Iterator[Verdict]:
    power = (entry["telemetry"] or {}).get("power")
    share = _value(power, "limit_share")
    if share is not None and share < LIMIT_SHARE and _limit_binds(entry["telemetry"]):
        limit, default = _value(power, "limit"), _value(power, "default_limit")
        evidence = (
            f"its power limit is {limit:.0f} W, {_percent(share)} of its {default:.0f} W, and binds"
        )
        yield Verdict(
            "POWER-CAPPED", evidence, f"sudo nvidia-smi{_choice(entry)} -pl {default:.0f}"
        )
    governor = _value(entry, "conditions", "governor")
    driver = _value(entry, "conditions", "scaling_driver")
    if governor is not None and "powersave" in governor and driver not in _OWN_CHOICE:
        evidence = f"the governor {governor} keeps the processor at its lowest clock ({driver})"
        yield Verdict("POWER-CAPPED", evidence, "sudo cpupower frequency-set -g performance")


def _limit_binds(telemetry: Mapping[str, Any]) -> bool:
    counted, seconds = _value(telemetry, "throttled", "power"), telemetry["steady_seconds"]
    if counted is not None and seconds:
        return bool(counted >= POWER_SHARE * seconds)
    seen = _value(telemetry, "reasons", "power")
    if seen is not None:
        return bool(seen >= POWER_SHARE)
    mean, limit = _value(telemetry, "power", "mean"), _value(telemetry, "power", "limit")
    return mean is not None and limit is not None and mean >= NEAR_THE_LIMIT * limit


def _noisy(entry: Entry) -> Iterator[Verdict]:
    lost = (entry["telemetry"] or {}).get("lost")
    if lost:
        mend = "sudo dmesg | grep -i xid says why"
        yield Verdict("NOISY", f"the GPU was lost beside it ({lost['why']})", mend)
    if _spread(entry) > NOISY_SPREAD:
        mend = f"{_again(entry)} --profile full, with nothing else running"
        yield Verdict("NOISY", f"{_spread_words(entry)}, without a cause that was seen", mend)


def _spread(entry: Entry) -> float:
    epochs = entry["epochs"]
    return float(epochs["spread"] / epochs["median"]) if epochs["median"] else 0.0


def _spread_words(entry: Entry) -> str:
    return f"its steady epochs spread by {_percent(_spread(entry))} around their median"


def _again(entry: Entry) -> str:
    row = (entry["workload"], entry["device"], entry["mode"])
    return rerun.command(*row, to_target="targets" in entry)


def _choice(entry: Entry) -> str:
    """nvidia-smi's option for the one GPU that was trained on; all, where there were several."""
    gpu = re.match(r"gpu:(\d+)", str(entry["device"]))  # of "gpu:0 of all" and of a slice, too
    return f" -i {gpu[1]}" if gpu else ""


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.1f} %"


def _value(tree: Mapping[str, Any] | None, *path: str) -> Any:
    """What was measured at a place of an entry; None where it was not."""
    for name in path:
        if not tree:
            return None
        tree = tree.get(name)
    return tree.get("value") if tree else None
