"""A system's name as people type it: which recorded one it stands on, and what is planned."""

from __future__ import annotations

import pytest

from plugins.plugin_utils.elsewhere import derived, fresh
from plugins.plugin_utils.elsewhere import hosts as elsewhere_hosts
from plugins.plugin_utils.gpu_stack import kernels, request
from plugins.plugin_utils.gpu_stack.options import Options
from plugins.plugin_utils.host_facts import parse
from tests.unit.plans import recorded
from tests.unit.test_elsewhere import Capture, run


@pytest.mark.parametrize(
    ("said", "system"),
    [
        ("Ubuntu 24.04 LTS", "Ubuntu 24.04"),
        ("ubuntu2404", "Ubuntu 24.04"),
        ("Ubuntu-22.04.5", "Ubuntu 22.04"),
        ("ubuntu 26", "Ubuntu 26.04"),
        ("noble", "Ubuntu 24.04"),
        ("Debian GNU/Linux 12", "Debian 12"),
        ("debian-12.8", "Debian 12"),
        ("debian trixie", "Debian 13"),
        ("Arch Linux", "Arch"),
        ("archlinux", "Arch"),
        ("Arch Linux (rolling)", "Arch"),
        ("Ubuntu 24.04.3 LTS (Noble Numbat)", "Ubuntu 24.04"),
        ("Ubuntu MATE 24.04", "Ubuntu 24.04"),
        ("Ubuntu Minimal 22.04.4 x64", "Ubuntu 22.04"),
        ("ubuntu-24-04", "Ubuntu 24.04"),
        ("Ubuntu Jammy Jellyfish", "Ubuntu 22.04"),
        ("debian:bookworm-slim", "Debian 12"),
        ("debian 12 x86_64", "Debian 12"),
        ("Ubuntu Studio 22.04", "Ubuntu 22.04"),
    ],
)
def test_a_host_is_known_by_the_names_that_people_have_for_it(
    said: str, system: str, capsys: Capture
) -> None:
    code, told, _wrong = run(capsys, "--host", said, "--gpu", "T4")
    assert (code, told.startswith(f"Plan for a fresh {system}: ")) == (0, True)


@pytest.mark.parametrize(
    "said", ["ubuntu", "debian", "mint", "mint 19", "wsl2", "Pop!_OS", "24.04 12", ""]
)
def test_a_host_of_no_one_system_is_one_line_with_those_there_are(
    said: str, capsys: Capture
) -> None:
    code, told, wrong = run(capsys, "--host", said, "--gpu", "T4")
    assert (code, told, wrong.count("\n")) == (2, "", 1)
    assert "ubuntu-24.04" in wrong


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("Linux Mint 22.1", "Plan for a fresh Linux Mint 22.1, taken as Ubuntu 24.04: "),
        ("linuxmint-21", "Plan for a fresh Linux Mint 21, taken as Ubuntu 22.04: "),
        ("LMDE 6", "Plan for a fresh LMDE 6, taken as Debian 12: "),
        ("Linux Mint Debian Edition 7", "Plan for a fresh LMDE 7, taken as Debian 13: "),
        ("mint zena", "Plan for a fresh Linux Mint 22, taken as Ubuntu 24.04: "),
        ("mint 23", "Plan for a fresh Linux Mint 23, taken as Ubuntu 26.04: "),
        (
            "mint 20.3",
            "No plan for a fresh Linux Mint 20.3: found Linux Mint 20.3, which is made of",
        ),
        ("cachy os", "Plan for a fresh CachyOS, taken as Arch: "),
        ("Artix", "No plan for a fresh Artix: found Artix: there is no driver; "),
        ("Ubuntu 25.10", "No plan for a fresh Ubuntu 25.10: found Ubuntu 25.10; expected Debian "),
        ("ubuntu2004", "No plan for a fresh Ubuntu 20.04: found Ubuntu 20.04; expected Debian "),
        ("ubuntu focal", "No plan for a fresh Ubuntu 20.04: found Ubuntu 20.04; expected Debian "),
        ("Debian 11", "No plan for a fresh Debian 11: found Debian 11; expected Debian 12 or 13"),
        ("sid", "No plan for a fresh Debian sid: found Debian sid; expected Debian 12 or 13"),
        ("Amazon Linux 2023", "No plan for a fresh Amazon Linux 2023: found Amazon Linux 2023; "),
        ("EndeavourOS", "Plan for a fresh EndeavourOS, taken as Arch: "),
        ("Kubuntu 24.04", "Plan for a fresh Ubuntu 24.04: "),
        ("Pop!_OS 22.04", "No plan for a fresh Pop!_OS 22.04: found Pop!_OS: there is no driver"),
        ("Manjaro", "No plan for a fresh Manjaro: found Manjaro: there is no driver; "),
        ("Kali", "No plan for a fresh Kali: found Kali, whose sources of packages are not"),
        ("Fedora 43", "No plan for a fresh Fedora 43: found Fedora 43; expected Debian 12 or 13, "),
        ("TUXEDO OS 24.04", "Plan for a fresh TUXEDO OS 24.04, taken as Ubuntu 24.04: "),
        ("Omarchy", "Plan for a fresh Omarchy, taken as Arch: "),
        ("SparkyLinux 7", "Plan for a fresh SparkyLinux 7, taken as Debian 12: "),
        ("MX Linux 23.6", "Plan for a fresh Debian 12: "),
        ("MX 25", "Plan for a fresh Debian 13: "),
        ("DGX OS 7.2.3", "Plan for a fresh Ubuntu 24.04: 1 change (TensorFlow 2.21.0, CUDA 12.5)"),
        ("NixOS 25.11", "No plan for a fresh NixOS 25.11: found NixOS 25.11; expected Debian 12"),
    ],
)
def test_a_system_without_rows_is_planned_or_refused_as_if_it_were_here(
    said: str, first: str, capsys: Capture
) -> None:
    code, told, wrong = run(capsys, "--host", said, "--gpu", "RTX 4090")
    assert (code, wrong) == (int(first.startswith("No ")), "")
    assert " ".join(told.split()).startswith(first)


@pytest.mark.parametrize(
    ("said", "do"),
    [
        ("Windows 11", "name the system in WSL2, as «ubuntu-24.04 wsl»"),
        ("mint debian edition", "one of LMDE 6 (as debian-12), LMDE 7 (as debian-13): name one"),
        ("DGX OS 6", "for DGX OS 6 name ubuntu-22.04 with --driver skip"),
        ("L4T 36.4", "NVIDIA's TensorFlow for JetPack"),
        ("JetPack 6.2", "NVIDIA's TensorFlow for JetPack"),
        ("Raspberry Pi OS", "with --architecture aarch64"),
        ("Proxmox VE", "say which, as proxmox 9"),
    ],
)
def test_what_is_no_system_says_which_to_name(said: str, do: str, capsys: Capture) -> None:
    code, told, wrong = run(capsys, "--host", said, "--gpu", "T4")
    assert (code, told, wrong.count("\n")) == (2, "", 1)
    assert do in wrong


@pytest.mark.parametrize(
    "said", ["Ubuntu 24.04 (WSL)", "windows 11 wsl2 ubuntu 24.04", "Ubuntu 24.04 on WSL2"]
)
def test_a_system_in_wsl2_gets_the_driver_of_windows(said: str, capsys: Capture) -> None:
    code, told, _wrong = run(capsys, "--host", said, "--gpu", "RTX 4090")
    assert (code, told.startswith("Plan for a fresh Ubuntu 24.04: 1 change ")) == (0, True)
    assert "Windows brings the driver" in told
    code, told, wrong = run(capsys, "--host", said, "--gpu", "GTX 970")
    assert (code, told) == (2, "")
    assert "GTX 970 (Maxwell); expected GPUs that Windows' driver offers to WSL2" in wrong


def test_a_named_blackwell_in_wsl2_is_told_of_its_first_start(capsys: Capture) -> None:
    for gpu, said in (("RTX 5090", True), ("RTX 4090", False)):
        _code, told, _wrong = run(capsys, "--host", "ubuntu-24.04 wsl", "--gpu", gpu)
        line = "Kernels are compiled for GeForce RTX 5090 (Blackwell) once, at the first start"
        assert (line in " ".join(told.split())) == said
        assert (
            "Windows' driver has to be of branch 570 or newer" in " ".join(told.split())
        ) == said


def test_a_dgx_has_its_own_driver_and_a_spark_its_gpu(capsys: Capture) -> None:
    code, told, _wrong = run(capsys, "--host", "DGX Spark", "--framework", "jax")
    assert (code, "GB10 (Blackwell)" in told, "aarch64" in told) == (0, True, True)
    assert told.rstrip().endswith("A DGX: taken with its own driver, 580.178.04")
    code, told, _wrong = run(capsys, "--host", "DGX OS 7", "--gpu", "8 x B200")
    assert (code, "580.178.04 stays: it works" in told) == (0, True)


def test_what_a_system_is_made_of_has_rows_or_is_a_codename_and_every_row_has_a_source() -> None:
    known = elsewhere_hosts.systems(recorded.MATRIX)
    codenames = {row.called for row in derived.rows() if row.id in ("debian", "ubuntu")}
    for row in derived.rows():
        assert row.base in {"", *known, *codenames}, row
        assert "/" in row.source or "os-release" in row.source, row


def test_a_system_s_name_stands_for_what_a_recorded_one_stands_on() -> None:
    ids, compared = {row.id for row in derived.rows()}, set()
    for host in recorded.hosts():
        facts = parse(host.found)
        here = facts.distribution
        if here.id in ids and "another release's sources" not in host.name:
            named = elsewhere_hosts.named(str(here), (), recorded.MATRIX)
            one, other = map(recorded.MATRIX.beneath, (named, facts))
            assert (one.id, one.version) == (other.id, other.version)
            compared.add(here.id)
    assert compared >= {"linuxmint", "zorin", "pop", "endeavouros", "manjaro", "kali", "fedora"}


@pytest.mark.parametrize(
    ("said", "screen"),
    [
        ("Kubuntu 24.04", True),
        ("Ubuntu 24.04 Desktop", True),
        ("Linux Mint 22 Cinnamon", True),
        ("Zorin OS 18", True),
        ("Ubuntu Server 24.04", False),
        ("noble", False),
    ],
)
def test_a_system_for_desktops_gets_the_driver_with_a_screen(
    said: str, screen: bool, capsys: Capture
) -> None:
    _code, told, _wrong = run(capsys, "--host", said, "--gpu", "RTX 4090")
    assert ("nvidia-driver-580-open" in told, "nvidia-headless" in told) == (screen, not screen)


@pytest.mark.parametrize(
    ("said", "system", "flavour", "release"),
    [
        ("24.04 HWE", "Ubuntu 24.04", "generic-hwe-24.04", "7.0."),
        ("24.04 hwe edge", "Ubuntu 24.04", "generic-hwe-24.04", "7.0."),
        ("debian 13.1 (kernel 6.18 from backports)", "Debian 13", "amd64", "6.18."),
        (
            "Ubuntu Server 24.04.3 LTS (HWE kernel 6.14)",
            "Ubuntu 24.04",
            "generic-hwe-24.04",
            "6.14.",
        ),
        ("ubuntu 22.04 kernel 6.5", "Ubuntu 22.04", "generic-hwe-22.04", "6.5."),
        ("Ubuntu 22.04 kernel 5.15.0-160-generic", "Ubuntu 22.04", "generic", "5.15."),
        ("Ubuntu 22.04 GA kernel", "Ubuntu 22.04", "generic", "5.15."),
        ("ubuntu 24.04 lts", "Ubuntu 24.04", "generic", "6.8."),
        ("ubuntu 24.04 cloud image", "Ubuntu 24.04", "virtual", "6.8."),
        ("Ubuntu 24.04 on EC2", "Ubuntu 24.04", "aws", "6.14."),
        ("ubuntu 22.04 intel-iotg", "Ubuntu 22.04", "intel-iotg", "5.15."),
        ("debian 13 cloud image", "Debian 13", "cloud-amd64", "6.12."),
        ("Debian 13 with backports kernel 6.17", "Debian 13", "amd64", "6.17."),
        ("debian trixie kernel 6.16", "Debian 13", "amd64", "6.16."),
        ("Proxmox VE 9.1", "Debian 13", "6.17", "6.17."),
        ("proxmox 8 kernel 6.11", "Debian 12", "6.11", "6.11."),
        ("arch linux-lts", "Arch", "linux-lts", "6.12."),
        ("archlinux zen", "Arch", "linux-zen", "6.18."),
        ("Ubuntu 24.04 OEM kernel", "Ubuntu 24.04", "oem-24.04c", "6.14."),
        ("ubuntu 24.04 mainline 6.15", "Ubuntu 24.04", "generic", "6.15.14-061514-"),
        ("debian 13 with liquorix", "Debian 13", "liquorix-amd64", "7.1."),
        ("ubuntu 22.04 xanmod 6.18", "Ubuntu 22.04", "x64v3-xanmod1", "6.18."),
    ],
)
def test_a_kernel_is_known_by_its_line_its_number_or_both(
    said: str, system: str, flavour: str, release: str
) -> None:
    facts = elsewhere_hosts.named(said, (), recorded.MATRIX)
    (kernel,) = facts.kernels.installed
    assert (str(facts.distribution), kernel.flavour) == (system, flavour)
    assert facts.kernel == kernel.release
    assert kernel.release.startswith(release)


def test_a_kernel_that_is_not_known_is_told_with_those_that_are(capsys: Capture) -> None:
    code, told, wrong = run(capsys, "--host", "ubuntu 24.04 surface", "--gpu", "T4")
    assert (code, told, wrong.count("\n")) == (2, "", 1)
    assert "whose «surface» is not known of ubuntu-24.04; expected a kernel of hwe, " in wrong


@pytest.mark.parametrize(
    ("said", "near"), [("ubunut-24.04", "ubuntu-24.04"), ("debain 13", "debian-13")]
)
def test_a_mistyped_system_is_told_with_the_one_that_it_is_like(
    said: str, near: str, capsys: Capture
) -> None:
    code, told, wrong = run(capsys, "--host", said, "--gpu", "T4")
    assert (code, told, wrong.count("\n")) == (2, "", 1)
    assert wrong.endswith(f": name one, such as {near}\n")


@pytest.mark.parametrize("said", ["ubuntu 24.04 realtime", "debian 13 rt", "debian 12 realtime"])
def test_a_realtime_kernel_is_refused_as_if_it_were_here(said: str, capsys: Capture) -> None:
    code, told, _wrong = run(capsys, "--host", said, "--gpu", "T4")
    assert (code, "PREEMPT_RT" in told) == (1, True)


def test_every_other_kernel_of_a_fresh_host_is_of_a_line_that_has_rows() -> None:
    named = 0
    for system in recorded.MATRIX.systems:
        for version, told in system.fresh.items():
            for other in (each for each in told.others.values() if not each.foreign):
                seen = request.request_of(
                    fresh.host(system, version, (), other), Options(), recorded.MATRIX
                )
                (kernel,) = seen.facts.kernels.installed
                line = kernels.line(seen, kernel)
                assert line, kernel
                assert kernels.followed(seen, kernel, line), kernel
                named += 1
    assert named


@pytest.mark.parametrize("said", ["ubuntu 24.04 arm64", "24.04 (aarch64)"])
def test_a_machine_with_an_arm_processor_is_planned_on_arm(said: str, capsys: Capture) -> None:
    words = ["--host", said, "--gpu", "RTX A4000"]
    code, told, _wrong = run(capsys, *words)
    assert code == 1
    assert "on aarch64, for which TensorFlow's wheels have no CUDA" in " ".join(told.split())
    assert run(capsys, *words, "--framework", "jax")[0] == 0


def test_a_raspberry_pi_is_refused_with_the_reason(capsys: Capture) -> None:
    words = ["--host", "noble raspberry pi 5", "--gpu", "RTX A4000"]
    for more in ([], ["--framework", "jax"]):
        code, told, _wrong = run(capsys, *words, *more)
        assert code == 1
        assert "a Raspberry Pi's, whose PCIe does not keep" in " ".join(told.split())
