"""The doctor's answer as text, at most 80 columns wide but for the commands."""

from __future__ import annotations

import os

from ..terminal import wrapped
from . import normalization
from .examine import Finding
from .host import Host, gpu_name
from .pasted import Answer

_LABEL, _WIDTH = 7, 80


def describe(host: Host, findings: list[Finding], name: str) -> str:
    """The verdict, each problem with the command that fixes it, and in short what is fine."""
    lines = [f"Doctor for {name}: {_count(findings)}"]
    for number, finding in enumerate(findings, 1):
        lines += ["", f"{number}. {finding.symptom}", *_wrap(_label("found"), finding.evidence)]
        lines += _details(finding)
    lines += ["", *_wrap("Host: ", "; ".join(_host(host)))]
    is_fine = "; ".join(fine(host, findings))
    return "\n".join(map(printable, [*lines, *_wrap("Fine: ", is_fine)]))


def explain(text: str, told: Answer, host: bool = False) -> str:
    """What a text means.  host: whether there is one that it was compared with."""
    said = enumerate(normalization.plain(text).splitlines(), 1)
    number, first = next(((at, line) for at, line in said if line.strip()), (0, ""))
    if not first:
        return "There is no text to explain: give the error's words, or the log that has them"
    reading = told.reading
    lines = []
    if number not in {finding.line for finding in reading.wrong[:1]}:  # else it is told below
        lines = [f"Meaning of: {printable(_short(first, 66))}"]
    for finding in reading.wrong or (reading.harmless if told.known else ()):
        lines += ["", f"Known as: {finding.symptom}", *_read(finding, told.cut)]
        if host:
            here = finding.evidence or "nothing on this host shows it now"
            lines += _wrap(_label("found"), here)
        lines += _details(finding)
    seen = {finding.line for finding in reading.wrong}
    following = [each for each in reading.following if each.line not in seen]
    if following:
        names = ", ".join(f"{each.symptom} (line {each.line})" for each in following)
        lines += ["", *_wrap("Follows from it: ", names)]
    shown = bool(reading.harmless) and told.known and not reading.wrong
    for each in (*(() if shown else reading.harmless), *reading.asides):
        lines += ["", *_wrap("Harmless: ", f"{each.symptom} (line {each.line}): {each.cause}")]
    lines += [] if told.known else ["", *_unknown(told, first, host)]
    return "\n".join(lines).lstrip("\n")


def _read(finding: Finding, cut: bool) -> list[str]:
    piece = ", a piece of it" if cut else ""
    return _wrap(_label("read"), f"line {finding.line}{piece}: {printable(finding.said)}")


def _unknown(told: Answer, first: str, host: bool) -> list[str]:
    """What is near, and what would tell more; no command for what has nothing to do with it."""
    rest = f": {told.rest}" if told.rest and told.rest != first.strip() else "."
    lines = _wrap("  ", printable(f"The doctor does not know this text{rest}"))
    near = told.near
    if near:
        said = printable(_short(near.said, 60))
        whose = "its words" if near.said == first.strip() else f"the words of «{said}»"
        share = f"{near.share:.0%} of {whose}"
        lines += _wrap("  ", f"The nearest: {near.symptom.name} ({share}). It may be another.")
        lines.append("  To collect what would tell:  ./run doctor -e doctor_bundle=report.tar.gz")
    elif not told.rest:
        lines.append("  No line of it reports a fault.")
    if host:
        lines.append("  What it finds on the host:")
    return lines


def sum_up(findings: list[Finding]) -> str:
    """One line, "" where nothing is wrong."""
    if not findings:
        return ""
    first = findings[0]
    others = f" (and {len(findings) - 1} more, above)" if len(findings) > 1 else ""
    return f"{first.symptom}: {first.evidence}; fix: {_called(first.fix)}{others}"


def fine(host: Host, findings: list[Finding]) -> list[str]:
    """What is as it should be, a phrase each."""
    facts, driver = host.facts, host.facts.driver
    wrong = {finding.symptom for finding in findings}
    kernels = facts.kernels.installed
    told = []
    if driver.loaded and driver.loaded == driver.libraries:
        told.append(f"driver and libraries {driver.loaded}")
    if facts.gpus and kernels and all(kernel.nvidia for kernel in kernels):
        told.append(f"a module for each of {len(kernels)} installed kernels")
    if facts.gpus and facts.secure_boot.state == "enabled" and facts.secure_boot.enrolled:
        told.append("Secure Boot, with the modules' key enrolled")
    if facts.packages.manager and "package manager stuck" not in wrong:
        told.append(f"{facts.packages.manager}, with nothing half installed")
    if facts.environment.trains:
        there = facts.environment
        told.append(f"{there.trains} on Python {there.python}")
    told += [f"TensorFlow in the image {image}" for image in facts.containers.images]
    if host.verify.ok:
        passed = [stage for stage in host.verify.stages if stage.state == "passed"]
        told.append(f"{len(passed)} verification checks passed")
    return told


def _host(host: Host) -> list[str]:
    """Which host it is."""
    facts = host.facts
    system = facts.title(str(facts.distribution), facts.kernels.running)
    return [system, *(map(gpu_name, facts.gpus) if facts.gpus else ["no NVIDIA GPU"])]


def _details(finding: Finding) -> list[str]:
    """The command stands on one line, however long: it is there to be copied."""
    command, *notes = _called(finding.fix).split("   # ", 1)
    return [
        *_wrap(_label("cause"), finding.cause),
        *_wrap(_label("where"), finding.where),
        f"{_label('fix')}{command}",
        *_wrap(_label(""), "".join(f"# {note}" for note in notes)),
    ]


def _called(command: str) -> str:
    """The same by `./run`, where that was typed: then `ansible-playbook` need not be on PATH."""
    run = os.environ.get("GRINDSTONE_RUN")  # which `./run` leaves here
    return command.replace("ansible-playbook site.yml", f"{run} site") if run else command


def _short(text: str, most: int) -> str:
    """The start of a line."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def printable(text: str) -> str:
    """A stranger's text without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _label(name: str) -> str:
    return f"   {name:<{_LABEL}}"


def _wrap(label: str, text: str) -> list[str]:
    return wrapped(text, _WIDTH, label, len(label))


def _count(findings: list[Finding]) -> str:
    if not findings:
        return "no problem found"
    return "1 problem" if len(findings) == 1 else f"{len(findings)} problems"
