"""What the archives of Ubuntu, Arch and NVIDIA have, for a resolver: names and relations, no files.

Written from public listings and not from the rows of the matrix, which are tried against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from plugins.module_utils.kernel_names import flavour_of
from tests.support import mock_arch
from tests.support.mock_packages import Package
from tests.support.mock_ubuntu_packages import (
    RELEASES,
    Ubuntu,
    needs,
    ubuntu_archive,
    ubuntu_driver,
)

# Ubuntu's lines of kernels: what keeps one up to date, and how its releases end.  For those of the
# first there are linux-modules-nvidia packages (source: as in roles/plan/vars/main/drivers.yml).
COMPILED = {
    "generic": "generic",
    "generic-hwe-{v}": "generic",
    "generic-6.8": "generic",
    "generic-64k": "generic-64k",
    "generic-64k-hwe-{v}": "generic-64k",
    "lowlatency": "lowlatency",
    "lowlatency-hwe-{v}": "lowlatency",
    **{f"oem-{{v}}{letter}": "oem" for letter in ("", *"abcd")},
    "aws": "aws",
    "aws-6.8": "aws",
    "azure": "azure",
    "azure-6.8": "azure",
    "azure-lts-{v}": "azure",
    "azure-fde": "azure-fde",
    "azure-fde-6.8": "azure-fde",
    "azure-fde-lts-{v}": "azure-fde",
    "gcp": "gcp",
    "gcp-6.17": "gcp",
    "gke": "gke",
    "gke-6.8": "gke",
    "ibm": "ibm",
    "ibm-6.8": "ibm",
    "ibm-lts-{v}": "ibm",
    "nvidia": "nvidia",
    "nvidia-6.8": "nvidia",
    "nvidia-hwe-{v}": "nvidia",
    "oracle": "oracle",
    "oracle-6.14": "oracle",
}
OTHERS = {
    "realtime": "realtime",
    **{f"{cloud}-lts-{{v}}": cloud for cloud in ("aws", "gcp", "oracle")},
    "kvm": "kvm",
    "intel-iotg": "intel-iotg",
    "intel": "intel",
    "fips": "fips",  # Ubuntu Pro's
}
OWN = r"\d+\.\d+\.0-\d{1,4}-[a-z]"  # and not a mainline build, such as 6.18.14-061814-generic
WITHOUT_HEADERS = "azure-fde"  # linux-azure's are its headers
ARCH_KERNELS = ("linux", "linux-lts", "linux-zen", "linux-hardened", "linux-rt", "linux-rt-lts")
WITHOUT_580 = ("13", "26.04")  # whose repositories of NVIDIA's began with 590
TOOLKIT = "nvidia-container-toolkit"  # in Arch's extra


def ubuntu(version: str, releases: Iterable[str]) -> list[Package]:
    """A release's archive, which has the kernels of those releases, too."""
    lines = {
        name.format(v=version): f"6.8.0-{number}-{ending}"
        for number, (name, ending) in enumerate({**COMPILED, **OTHERS}.items(), 1000)
    }
    flavours = set(COMPILED.values())
    # A kernel that is no line's newest: only its own packages count.
    built = [name for name in releases if re.match(OWN, name)]
    built += [name.removesuffix("-fde") for name in built if name.endswith(WITHOUT_HEADERS)]
    own = {f"own-{name}": name for name in built}
    have = [name.format(v=version) for name in COMPILED]
    have += [name for name, release in own.items() if flavour_of(release) in flavours]
    drivers = {**RELEASES[version].drivers, "610": "610.57.04"}
    archive = replace(
        RELEASES[version], kernels={**lines, **own}, precompiled=have, drivers=drivers
    )
    found = [*ubuntu_archive(archive), *_fabric_managers(archive)]
    found += [Package("python3-venv", "3.12.3-0ubuntu2"), Package("infiniband-diags", "50.0-2")]
    found += [Package("podman", "4.9.3+ds1-1"), Package("docker.io", "28.2.2-0ubuntu1")]
    return [each for each in found if not _is_made_up(each.name)]


def _fabric_managers(archive: Ubuntu) -> list[Package]:
    return [
        Package(
            f"nvidia-fabricmanager-{branch}",
            f"{version}-0ubuntu0.1",
            needs(f"nvidia-kernel-common-{branch}-server (>= {version})"),
        )
        for branch, version in archive.drivers.items()
        if int(branch) >= 535
    ]


def _is_made_up(name: str) -> bool:
    return "-own-" in name or (name.startswith("linux-headers-") and WITHOUT_HEADERS in name)


def debian_kernels(releases: Iterable[str]) -> list[Package]:
    """The headers of kernels that Debian's archive has no more, and of Proxmox'."""
    found = []
    for release in releases:
        series = re.match(r"(\d+\.\d+)\.\d+-\d+-pve$", release)
        names = [series.group(1), release] if series else [release]
        vendor = "proxmox" if series else "linux"
        found += [Package(f"{vendor}-headers-{name}", "1") for name in names]
    return found


def nvidia(version: str, driver: Iterable[Package]) -> list[Package]:
    """NVIDIA's repository: branches by name up to 580, the newest without; CUDA and cuDNN.

    driver: the packages of the branch 580 of which it is made, where a version has it.
    """
    old, new = "580.126.09-1", "610.43.02-1"
    up_to_580 = [
        *driver,
        Package("nvidia-open-580", old, needs("nvidia-driver-580-open")),
        Package("cuda-drivers-580", old, needs("nvidia-driver-580")),
        Package("nvidia-fabricmanager-580", old),
    ]
    return [
        *(up_to_580 if version not in WITHOUT_580 else ()),
        Package("nvlsm", "2025.06.11-1"),
        *(Package(f"nvidia-driver-pinning-{branch}", f"{branch}-1") for branch in ("595", "610")),
        *(Package(name, new) for name in ("nvidia-open", "cuda-drivers", "nvidia-fabricmanager")),
        Package("cuda-toolkit-12-5", "12.5.1-1"),
        *(Package("libcudnn9-cuda-12", version) for version in ("9.10.2.21-1", "9.24.0.43-1")),
    ]


def nvidia_for_ubuntu(version: str, *, driver: bool) -> list[Package]:
    """NVIDIA's repository for an Ubuntu; driver: the role's pins do not keep its driver out."""
    return nvidia(version, ubuntu_driver("580", "", "580.126.09-0ubuntu1") if driver else [])


def nvidia_for_debian(version: str) -> list[Package]:
    """NVIDIA's repository for a Debian."""
    return nvidia(
        version, [Package(f"nvidia-driver-580{end}", "580.126.09-1") for end in ("", "-open")]
    )


def arch() -> list[Package]:
    """Arch's core and extra, with all kernels."""
    known = {**mock_arch.ARCH_KERNELS}
    found = [
        *mock_arch.arch_core(known),
        *mock_arch.arch_extra(mock_arch.NVIDIA, known),
        *(Package(name, "1:29.8.1-1") for name in ("podman", "docker", TOOLKIT)),
    ]
    for name in ARCH_KERNELS:
        if name not in known:
            found += mock_arch.arch_kernel(name, "6.17.9-1", f"6.17.9-1-{name}")
    return found
