"""The doctor's words: blocks of text, at most 88 columns wide but for the commands."""

from __future__ import annotations

import textwrap

from .examine import Finding
from .look import Look, gpu_name

_LABEL = 13


def describe(look: Look, findings: list[Finding], host: str) -> str:
    """What is fine on a host, and what is wrong, each with the command that mends it."""
    lines = [f"Doctor for {host}: {_count(findings)}"]
    label = "fine"
    for text in fine(look, findings):
        lines += _row(label, text)
        label = ""
    for number, finding in enumerate(findings, 1):
        lines += ["", *_row(f"wrong {number}", finding.symptom), *_told(finding)]
    return "\n".join(lines)


def explain(text: str, known: list[Finding]) -> str:
    """What a pasted text means."""
    first = next(iter(text.strip().splitlines()), "")
    lines = [f"What this means: {textwrap.shorten(first, 70, placeholder=' …')}"]
    if not known:
        told = "not a text that the doctor knows; what it finds on the host itself stands below"
        return "\n".join([*lines, *_row("", told)])
    for finding in known:
        here = finding.evidence or "nothing on this host shows it now"
        lines += [*_row("known as", finding.symptom), *_told(finding, here)]
    return "\n".join(lines)


def sum_up(findings: list[Finding]) -> str:
    """One line, "" where nothing is wrong."""
    if not findings:
        return ""
    first = findings[0]
    others = f" (and {len(findings) - 1} more, above)" if len(findings) > 1 else ""
    return f"{first.symptom}: {first.evidence}; mend it: {first.mend}{others}"


def fine(look: Look, findings: list[Finding]) -> list[str]:
    """What is as it should be, a phrase each."""
    found, driver = look.found, look.driver
    wrong = {finding.symptom for finding in findings}
    system = f"{found['distribution']['name']} {found['distribution']['version']}".strip()
    where = ", under WSL2" if found["wsl"] else ""
    where += f", in a container ({found['container']})" if found["container"] else ""
    told = [f"{system}, {found['architecture']}, kernel {found['kernels']['running']}{where}"]
    gpus = [gpu_name(gpu) for gpu in found["gpus"]]
    told += [", ".join(gpus) if gpus else "no NVIDIA GPU: driver and CUDA are not needed here"]
    if driver["loaded"] and driver["loaded"] == driver["libraries"]:
        told.append(f"driver {driver['loaded']}, loaded, and its libraries are the same version")
    kernels = found["kernels"]["installed"]
    if gpus and kernels and all(kernel["nvidia"] for kernel in kernels):
        told.append(f"an nvidia module for {_kernels(len(kernels))}")
    if gpus and found["secure_boot"]["state"] == "enabled" and found["secure_boot"]["enrolled"]:
        told.append("Secure Boot is on, and the modules' key is enrolled")
    if found["packages"]["manager"] and "package manager stuck" not in wrong:
        told.append(f"{found['packages']['manager']}: nothing half installed, no lock left behind")
    if look.environment["tensorflow"]:
        there = look.environment
        told.append(f"TensorFlow {there['tensorflow']} on Python {there['python']}")
    if look.verify.get("ok"):
        passed = [stage for stage in look.verify["stages"] if stage["state"] == "passed"]
        told.append(f"proof: {len(passed)} stages passed")
    return told


def _told(finding: Finding, evidence: str = "") -> list[str]:
    """The command stands on one line, however long: it is there to be copied."""
    return [
        *_row("  found", evidence or finding.evidence),
        *_row("  why", finding.cause),
        f"  {'  mend it':<{_LABEL}}{finding.mend}",
    ]


def _row(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=88,
        initial_indent=f"  {label:<{_LABEL}}",
        subsequent_indent=" " * (_LABEL + 2),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _count(findings: list[Finding]) -> str:
    if not findings:
        return "nothing is wrong"
    return "1 thing is wrong" if len(findings) == 1 else f"{len(findings)} things are wrong"


def _kernels(number: int) -> str:
    return "the installed kernel" if number == 1 else f"all {number} installed kernels"
