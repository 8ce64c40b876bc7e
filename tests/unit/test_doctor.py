"""What the doctor finds on hosts in every state.  The symptoms' rows bring their examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from plugins.modules import gpu_info, gpu_logs_info
from plugins.plugin_utils.gpu_doctor import normalization
from plugins.plugin_utils.gpu_doctor.examine import examine
from plugins.plugin_utils.gpu_doctor.pattern import compiled
from plugins.plugin_utils.gpu_doctor.playbook import gpu_doctor, parse_host
from plugins.plugin_utils.gpu_doctor.report import describe, sum_up
from plugins.plugin_utils.gpu_doctor.rows import languages
from plugins.plugin_utils.gpu_doctor.symptoms import Example
from plugins.plugin_utils.gpu_stack.plan import Plan
from plugins.plugin_utils.typed import InvalidDataError, encode
from tests.unit import hosts as sysroots
from tests.unit.doctor.hosts import FOLDER, HOSTS, MATRIX, SYMPTOMS, failed, host, of_example, seen
from tests.unit.plans.recorded import Recorded, outcome
from tests.unit.plans.recorded import hosts as recorded_hosts

SHOWN = [(row, each) for row in SYMPTOMS for each in row.examples if isinstance(each, Example)]
REJECTED = "Loading of unsigned module is rejected"
STUCK: dict[str, Any] = {"found.packages.half_installed": ["libcublas-12-5"]}


def names(found: list[Any]) -> list[str]:
    return [finding.symptom for finding in found]


@pytest.mark.parametrize(("symptom", "example"), SHOWN, ids=lambda part: getattr(part, "name", ""))
def test_each_example_of_a_host_is_found_alone_with_its_evidence_and_fix(
    symptom: Any, example: Example
) -> None:
    here = of_example(example)
    findings = examine(here, SYMPTOMS)
    assert names(findings) == [symptom.name]
    assert re.search(example.evidence, findings[0].evidence), findings[0].evidence
    assert example.fix in findings[0].fix
    block = describe(here, findings, "gpu1")
    command = findings[0].fix.partition("   # ")[0]
    assert f"   fix    {command}\n" in block  # whole, to be copied
    assert all(len(line) <= 80 for line in block.splitlines() if "   fix    " not in line)


def test_a_symptom_has_an_example_of_each_of_its_texts_and_of_a_host_that_shows_it() -> None:
    for row in SYMPTOMS:
        texts = [each for each in row.examples if isinstance(each, str)]
        seen_on_hosts = row.sign or row.kernel_log or row.releases or row.in_logs
        assert len(texts) < len(row.examples) or not seen_on_hosts, row.name
        lines = ["\n".join(normalization.lines(text, languages(str(FOLDER)))) for text in texts]
        for pattern in map(compiled, row.texts):
            assert any(map(pattern.regex.search, lines)), (row.name, pattern.text)
        assert "{" not in row.explanation(host()), row.name
        assert "{" not in row.command(host()).replace("${", ""), row.name


@pytest.mark.parametrize(
    ("states", "changes"),
    [
        ((), {}),
        ((), {"found.gpus": [], "found.driver": {}, "found.kernels": {}}),
        (("no_driver",), {"plan.driver": {"action": "skip"}}),
        ((), {"logs.kernel": [REJECTED]}),  # and is loaded now
        ((), {"logs.kernel": ["NVRM: Xid (PCI:0000:01:00): 31, pid=1, name=python, MMU Fault"]}),
        # A driver alone is wanted: that the wheels are older than the GPU does not matter.
        (
            ("blackwell", "untested"),
            {"found.driver.loaded_flavour": "open", "plan.cuda": {"action": "none"}},
        ),
        # As a development package of CUDA 13.0 leaves it.
        (
            (),
            {
                "logs.toolkits": [{"path": "/usr/local/cuda-13.0", "cublas": False}],
                "found.library_path": [
                    {"path": "/usr/local/cuda-13.0/lib64", "file": "/etc/environment"}
                ],
            },
        ),
    ],
)
def test_nothing_is_wrong(states: tuple[str, ...], changes: dict[str, Any]) -> None:
    assert examine(host(*states, **changes), SYMPTOMS) == []


def test_the_most_fundamental_comes_first() -> None:
    changes: dict[str, Any] = {"logs.kernel": [REJECTED], "found.environment.tensorflow": "2.15.0"}
    findings = examine(host("not_loaded", **changes), SYMPTOMS)
    assert names(findings) == ["module rejected", "TensorRT's wheels missing"]
    assert sum_up(findings) == (
        f"module rejected: {REJECTED}; fix: {findings[0].fix} (and 1 more, above)"
    )


def test_what_only_a_stage_s_advice_speaks_of_is_not_taken_for_what_was_found() -> None:
    told = seen(failed_stage="NVIDIA's module is there for kernel 6.1, and not loaded")
    told["verify"]["failure"] += " «Key was rejected by service» is Secure Boot"
    assert names(examine(parse_host(told, MATRIX), SYMPTOMS)) == ["stage failed"]


def test_the_verdict_comes_first_and_what_is_fine_last() -> None:
    lines = describe(host(), [], "gpu1").splitlines()
    assert lines[0] == "Doctor for gpu1: no problem found"
    assert " ".join(" ".join(lines[1:]).split()) == (
        "Host: Debian 12, x86_64, kernel 6.1.0-49-amd64; "
        "GeForce RTX 4090 (compute capability 8.9) "
        "Fine: driver and libraries 535.261.03; a module for each of 2 installed kernels; apt, "
        "with nothing half installed; TensorFlow 2.21.0 on Python 3.11; "
        "2 verification checks passed"
    )
    stuck = host(**STUCK)
    lines = describe(stuck, examine(stuck, SYMPTOMS), "gpu1").splitlines()
    assert lines[0] == "Doctor for gpu1: 1 problem"
    assert lines[2:4] == ["1. package manager stuck", "   found  half installed: libcublas-12-5"]
    assert "apt" not in lines[-1]


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        ("blue smoke", {}, ["The doctor does not know this text"]),
        ("Driver/library version mismatch", {}, ["nothing on this host shows it now"]),
        (
            "Driver/library version mismatch",
            {"found.driver.libraries": "535.288.01"},
            ["Known as: versions differ", "the loaded module is 535.261.03"],
        ),
    ],
)
def test_a_pasted_text_is_explained_before_the_host(
    text: str, changes: dict[str, Any], said: list[str]
) -> None:
    told = gpu_doctor(seen(**changes), "gpu1", str(FOLDER), MATRIX, text)
    explanation, _, rest = told["block"].partition("Doctor for gpu1: ")
    assert text in explanation.partition("\n   cause")[0]
    assert all(each in explanation for each in said)
    assert rest
    assert bool(told["failure"]) == bool(changes)


def test_the_door_gives_what_the_role_reads() -> None:
    nothing = {"found": {}, "logs": {}, "plan": {}, "refusal": "", "verify": {}}
    told = gpu_doctor(nothing, "gpu1", str(FOLDER), MATRIX)
    assert told["findings"][0].keys() == {
        *("symptom", "cause", "evidence", "fix", "where", "line", "said")
    }
    assert told["failure"].startswith("not provisioned: ")
    with pytest.raises(InvalidDataError, match=r"^the logs of the host: .*kernel"):
        gpu_doctor(nothing | {"logs": {"kernel": 1}}, "gpu1", str(FOLDER), MATRIX)


EVIL = "/x/'; touch ran; $(touch ran) `touch ran` '\nrm x"


@pytest.mark.parametrize(
    ("path", "moves"), [("/etc/modprobe.d/local.conf", True), ("/proc/cmdline", False)]
)
def test_a_blacklist_s_file_is_moved_away_and_the_command_line_is_not(
    path: str, moves: bool
) -> None:
    changes: dict[str, Any] = {"found.driver.blacklisted": path}
    here = host("not_loaded", **changes)
    fixes = [finding.fix for finding in examine(here, SYMPTOMS)]
    assert any(f"mv {path}" in fix for fix in fixes) is moves
    assert any("/etc/default/grub" in fix for fix in fixes) is not moves


@pytest.mark.parametrize(
    ("states", "changes"),
    [
        (
            ("untested",),
            {
                "found.library_path": [{"path": EVIL, "file": file}],
                "found.cudnn": [{"version": "8.0.4", "path": f"{EVIL}/libcudnn.so.8"}],
            },
        )
        for file in (EVIL, f"/etc/ld.so.conf.d/{EVIL}")
    ]
    + [
        (("not_loaded",), {"found.secure_boot": {"state": "enabled", "key": EVIL}}),
        (("not_loaded",), {"found.driver.blacklisted": EVIL}),
        ((), {"found.packages.half_installed": [EVIL]}),
        (
            ("not_loaded", "no_modules"),
            {
                "logs.builds": [{"module": EVIL, "kernel": "6.1.0-49-amd64", "error": EVIL}],
                "found.packages.half_installed": ["nvidia-dkms", EVIL],
            },
        ),
        (
            ("not_loaded",),
            {
                "found.reboot_required": True,
                "found.processes": [{"pid": 42, "name": EVIL, "kind": "compute"}],
            },
        ),
        ((), {"verify": failed("bad") | {"failure": f"GPU product failed: bad; {EVIL}"}}),
    ],
)
def test_no_name_of_a_host_gets_into_a_command(
    states: tuple[str, ...], changes: dict[str, Any]
) -> None:
    here = host(*states, **changes)
    findings = examine(here, SYMPTOMS)
    assert findings
    for finding in findings:
        command, _, note = finding.fix.partition("   # ")
        assert "touch" not in command
        assert not set("$`\n") & set(note)
    assert "\x1b" not in describe(here, findings, "\x1b[2J")


# Whole hosts


@pytest.mark.parametrize("recorded", recorded_hosts(), ids=str)
def test_a_recorded_host_is_told_its_refusal_or_what_site_yml_would_fix(recorded: Recorded) -> None:
    plan = outcome(recorded)
    refusal = "" if isinstance(plan, Plan) else str(plan)
    record = encode(plan.record) if isinstance(plan, Plan) else {}
    told = {"found": recorded.found, "logs": {}, "plan": record, "refusal": refusal, "verify": {}}
    here = parse_host(told, MATRIX)
    findings = examine(here, SYMPTOMS)
    found = set(names(findings))
    assert found
    assert bool(refusal) == bool(found & {"refused", "package manager stuck"})
    if refusal:
        assert "no driver" not in found  # its fix would be refused
    for finding in findings:
        assert finding.evidence.splitlines() == [finding.evidence]
        assert finding.fix
    passed_through = recorded.found["gpus"] and not here.gpus
    assert not (passed_through and found - {"not provisioned"})


def test_what_the_modules_find_in_a_host_s_files_leads_to_the_finding(tmp_path: Path) -> None:
    """One host from its files to its fix, so that the facts' shape and the signs' are the same."""
    upgraded = sysroots.WITH_GPU | {
        "proc/driver/nvidia/version": (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03  Tue Nov  4\n"
        ),
        "usr/lib/x86_64-linux-gnu/libcuda.so.535.288.01": "",
    }
    root = sysroots.write(tmp_path, upgraded)
    found = gpu_info.look(root, "/opt/grindstone")
    logs = gpu_logs_info.gather(root, "/opt/grindstone")["logs"]
    told = {"found": found, "logs": logs, "plan": {}, "refusal": "", "verify": {}}
    findings = examine(parse_host(told, MATRIX), SYMPTOMS)
    assert names(findings) == ["versions differ"]
    assert findings[0].evidence == "the loaded module is 535.261.03, the libraries are 535.288.01"


def test_the_examples_use_every_state() -> None:
    used = {state for _, example in SHOWN for state in example.host}
    assert used == set(HOSTS["states"])


def test_a_host_that_trains_in_a_container_is_provisioned() -> None:
    image = f"docker.io/tensorflow/tensorflow@sha256:{'5f' * 32}"
    found = host(**{"found.environment": {}, "found.containers": {"images": {image: "podman"}}})
    assert examine(found, SYMPTOMS) == []
    assert f"TensorFlow in the image {image}" in " ".join(describe(found, [], "here").split())


CODED = [
    (row, family, code) for row in SYMPTOMS for family, codes in row.codes.items() for code in codes
]
LIBRARY = (
    "{0} status {1}",
    "{0} failure {1}: it failed",
    "{0} Error in initializeCommonContext: {1}",
    "{0}Create(handle) failed with error {1}",
    "{0}SetStream returned {1}",
)
TOLD = {
    "xid": (
        "NVRM: Xid (PCI:0000:01:00): {1}, pid=1",
        "Detected XID {1} for GPU 4",
        "XidCriticalError: Xid={1} on Device=GPU-6bb5",
    ),
    "cuda": (
        "CUDA error {1}",
        "CUDA driver error: {1}",
        "cudaError({1})",
        "CUresult {1}",
        "cudaSetDevice returned {1}",
        "cuInit failed with error code {1}",
        "cuInit failed:{1}",
        "cuda: error code: {1}",
        "Check failed: e == cudaSuccess ({1} vs. 0)",
        "failed call to cuInit: UNKNOWN ERROR ({1})",
    ),
    "cudnn": (*LIBRARY, "Check failed: status == CUDNN_STATUS_SUCCESS ({1} vs. 0)"),
    "cublas": (*LIBRARY, "Check failed: status == CUBLAS_STATUS_SUCCESS ({1} vs. 0)"),
    "cufft": (*LIBRARY, "CUFFT_SUCCESS ({1} vs. 0)"),
    "cusolver": (*LIBRARY, "CUSOLVER_STATUS_SUCCESS ({1} vs. 0)"),
    "nccl": (*LIBRARY, "ncclSuccess ({1} vs. 0)"),
}


def test_the_number_of_an_error_is_known_in_the_ways_it_is_told() -> None:
    for symptom, family, code in CODED:
        for way in TOLD[family]:
            assert symptom.matches(way.format(family, code)), (symptom.name, code, way)
            assert not symptom.matches(way.format(family, f"{code}77")), (symptom.name, code, way)


def test_a_library_s_number_is_not_taken_for_cuda_s() -> None:
    told = "cublasCreate returned 3", "cudnnCreate failed with error 2", "cufftPlan1d returned 2"
    found = [row.name for row in SYMPTOMS for text in told if row.matches(text)]
    assert set(found) == {"cuDNN or cuBLAS without memory"}
