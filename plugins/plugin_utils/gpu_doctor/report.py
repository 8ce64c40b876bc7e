"""The doctor's answer as text, at most 88 columns wide but for the commands."""

from __future__ import annotations

import textwrap

from ..lines import wrapped
from .examine import Finding
from .host import Host, gpu_name

_LABEL = 7


def describe(host: Host, findings: list[Finding], name: str) -> str:
    """The verdict, each problem with the command that fixes it, and in short what is fine."""
    lines = [f"Doctor for {name}: {_count(findings)}"]
    for number, finding in enumerate(findings, 1):
        lines += ["", f"{number}. {finding.symptom}", *_details(finding, finding.evidence)]
    lines += ["", *_wrap("Host: ", "; ".join(_host(host)))]
    is_fine = "; ".join(fine(host, findings))
    return "\n".join([*lines, *_wrap("Fine: ", is_fine)])


def explain(text: str, known: list[Finding]) -> str:
    """What a pasted text means."""
    first = next(iter(text.strip().splitlines()), "")
    lines = [f"Meaning of: {textwrap.shorten(first, 70, placeholder=' …')}"]
    if not known:
        lines.append("  The doctor does not know this text. What it finds on the host:")
    for finding in known:
        here = finding.evidence or "nothing on this host shows it now"
        lines += ["", f"Known as: {finding.symptom}", *_details(finding, here)]
    return "\n".join(lines)


def sum_up(findings: list[Finding]) -> str:
    """One line, "" where nothing is wrong."""
    if not findings:
        return ""
    first = findings[0]
    others = f" (and {len(findings) - 1} more, above)" if len(findings) > 1 else ""
    return f"{first.symptom}: {first.evidence}; fix: {first.fix}{others}"


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
    if facts.environment.tensorflow:
        there = facts.environment
        told.append(f"TensorFlow {there.tensorflow} on Python {there.python}")
    if host.verify.ok:
        passed = [stage for stage in host.verify.stages if stage.state == "passed"]
        told.append(f"{len(passed)} verification stages passed")
    return told


def _host(host: Host) -> list[str]:
    """Which host it is."""
    facts = host.facts
    system = facts.title(str(facts.distribution), facts.kernels.running)
    return [system, *(map(gpu_name, facts.gpus) if facts.gpus else ["no NVIDIA GPU"])]


def _details(finding: Finding, evidence: str) -> list[str]:
    """The command stands on one line, however long: it is there to be copied."""
    return [
        *_wrap(f"   {'found':<{_LABEL}}", evidence),
        *_wrap(f"   {'cause':<{_LABEL}}", finding.cause),
        f"   {'fix':<{_LABEL}}{finding.fix}",
    ]


def _wrap(label: str, text: str) -> list[str]:
    return wrapped(text, 88, label, len(label))


def _count(findings: list[Finding]) -> str:
    if not findings:
        return "no problem found"
    return "1 problem" if len(findings) == 1 else f"{len(findings)} problems"
