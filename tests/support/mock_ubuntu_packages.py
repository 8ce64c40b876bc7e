"""What the archives of 22.04, 24.04 and 26.04 have, as far as the driver goes.

Names and relations of the packages: packages.ubuntu.com, and facts in roles/plan/vars/main/.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.mock_packages import DKMS, WAIT, Files, Package, kernel_module

MULTIARCH = "usr/lib/x86_64-linux-gnu"


@dataclass(frozen=True)
class Ubuntu:
    """A release of Ubuntu, and the Debian that is nearest to it.

    kernels: each flavour's kernel.  precompiled: the flavours that NVIDIA's modules are built for.
    drivers: each branch's version, the same for its -server packages.
    """

    version: str
    codename: str
    suite: str
    kernels: dict[str, str]
    precompiled: list[str]
    drivers: dict[str, str]


DRIVERS = {"470": "470.256.02", "535": "535.274.02", "580": "580.95.05", "595": "595.58.03"}
RELEASES = {
    "22.04": Ubuntu(
        "22.04",
        "jammy",
        "bookworm",
        {"generic": "5.15.0-161-generic", "generic-hwe-22.04": "6.8.0-88-generic"},
        ["generic", "generic-hwe-22.04"],
        DRIVERS,
    ),
    "24.04": Ubuntu(
        "24.04",
        "noble",
        "bookworm",
        {
            "generic": "6.8.0-88-generic",
            "generic-hwe-24.04": "6.14.0-36-generic",
            "ibm": "6.8.0-1039-ibm",
        },
        ["generic", "generic-hwe-24.04"],
        DRIVERS,
    ),
    "26.04": Ubuntu(
        "26.04",
        "resolute",
        "trixie",
        {"generic": "7.0.0-14-generic"},
        ["generic"],
        {branch: DRIVERS[branch] for branch in ("580", "595")},
    ),
}

UPDATE_INITRAMFS = """#!/bin/sh
# Stands for initramfs-tools: the image holds what keeps modules from being loaded.
set -e
[ ! -p /srv/wait-initramfs ] || read -r _ < /srv/wait-initramfs
echo "$*" >> /var/log/update-initramfs.log
for kernel in /lib/modules/*/; do
    cat /etc/modprobe.d/*.conf /lib/modprobe.d/*.conf 2>/dev/null \\
        > "/boot/initrd.img-$(basename "$kernel")" || true
done
"""


def ubuntu_kernel(flavour: str, release: str) -> list[Package]:
    """The packages of a kernel, and the meta-packages of its flavour."""
    number, _, _ = release.rpartition("-")
    version = f"{number}.{number.split('-')[1]}"
    meta = version.replace("-", ".")
    run_parts = "run-parts --arg={} /etc/kernel/postinst.d"
    return [
        Package(
            f"linux-image-{release}",
            version,
            {"Depends": [f"linux-modules-{release}"]},
            {f"boot/vmlinuz-{release}": "a kernel\n"},
            {
                "postinst": f"{run_parts.format(release)}\nupdate-initramfs -c -k {release}",
                "postrm": f"rm -f /boot/initrd.img-{release}",
            },
        ),
        Package(
            f"linux-modules-{release}",
            version,
            {},
            {
                f"boot/config-{release}": "CONFIG_MODULES=y\n",
                f"lib/modules/{release}/kernel/drivers/gpu/drm/nouveau/nouveau.ko": "a module\n",
                f"lib/modules/{release}/modules.builtin": "",
                f"lib/modules/{release}/modules.order": "",
            },
            {"postrm": f"rm -f /lib/modules/{release}/modules.*"},
        ),
        Package(
            f"linux-headers-{release}",
            version,
            {},
            {
                f"usr/src/linux-headers-{release}/Makefile": "",
                f"lib/modules/{release}/build": f"->/usr/src/linux-headers-{release}",
            },
            {"postinst": f"if [ -x /usr/sbin/dkms ]; then dkms autoinstall -k {release}; fi"},
        ),
        Package(
            f"linux-image-{flavour}", meta, {"Depends": [f"linux-image-{release} (= {version})"]}
        ),
        Package(
            f"linux-headers-{flavour}",
            meta,
            {"Depends": [f"linux-headers-{release} (= {version})"]},
        ),
        Package(
            f"linux-{flavour}",
            meta,
            {"Depends": [f"linux-{part}-{flavour} (= {meta})" for part in ("image", "headers")]},
        ),
    ]


def ubuntu_modules(ubuntu: Ubuntu, branch: str, server: str, module: str) -> list[Package]:
    """The precompiled modules of a branch; `server` is "-server" or "", `module` "-open" or ""."""
    driver, name = ubuntu.drivers[branch], f"{branch}{server}{module}"
    folder = f"nvidia-{branch}{'srv' if server else ''}{module}"
    flavour = "open" if module else "proprietary"
    packages = []
    for kernel in ubuntu.precompiled:
        release = ubuntu.kernels[kernel]
        version = release.rpartition("-")[0] + ".1"
        common = f"nvidia-kernel-common-{branch}{server}"
        provides = f"nvidia-dkms-{name} (= {driver}-0ubuntu0.1)"
        bits = f"lib/modules/{release}/kernel/{folder}/bits"
        exact = [
            f"linux-{part}-nvidia-{name}-{release} (= {version})" for part in ("objects", "modules")
        ]
        signed = f"linux-signatures-nvidia-{release} (= {version})"
        packages += [
            Package(
                f"linux-objects-nvidia-{name}-{release}",
                version,
                {},
                {f"{bits}/nvidia.o": kernel_module(driver, flavour)},
            ),
            Package(
                f"linux-modules-nvidia-{name}-{release}",
                version,
                {
                    "Depends": [
                        f"linux-image-{release}",
                        exact[0],
                        signed,
                        f"{common} (>= {driver})",
                        f"{common} (<= {driver}-1)",
                    ],
                    "Provides": [provides, "nvidia-prebuilt-kernel"],
                },
                {},
                {
                    # As the real one: joins what comes apart, the module and its signature.
                    "postinst": f"{WAIT.format('module')}\ncat /{bits}/nvidia.o "
                    f"/usr/lib/linux/{release}/signatures/nvidia "
                    f"> /lib/modules/{release}/kernel/{folder}/nvidia.ko",
                    "prerm": f"rm -f /lib/modules/{release}/kernel/{folder}/nvidia.ko",
                },
            ),
            Package(
                f"linux-modules-nvidia-{name}-{kernel}",
                version,
                {
                    "Depends": [exact[1], f"{common} (>= {driver})"],
                    "Provides": [provides, "nvidia-prebuilt-kernel"],
                },
            ),
        ]
    return packages


def ubuntu_driver(branch: str, server: str, version: str) -> list[Package]:
    """The driver's packages of a branch that are the same for all kernels."""
    driver, name = version.split("-")[0], f"{branch}{server}"

    def alone(
        package: str, provides: str, depends: list[str], files: Files, **scripts: str
    ) -> Package:
        """One of those that can be there for one branch only."""
        only = {"Provides": [provides], "Conflicts": [provides], "Replaces": [provides]}
        relations = {"Depends": depends, **only} if depends else only
        return Package(package, version, relations, files, scripts)

    def same(*packages: str) -> list[str]:
        return [f"{package} (= {version})" for package in packages]

    common = f"nvidia-kernel-common-{name}"
    compute = f"libnvidia-compute-{name}"
    libraries: Files = {
        f"{MULTIARCH}/libcuda.so.{driver}": "a library\n",
        f"{MULTIARCH}/libcuda.so.1": f"->libcuda.so.{driver}",
        f"{MULTIARCH}/libnvidia-ml.so.{driver}": "a library\n",
        f"{MULTIARCH}/libnvidia-ml.so.1": f"->libnvidia-ml.so.{driver}",
    }
    daemon: Files = {
        "usr/bin/nvidia-persistenced": "#!/bin/sh\n",
        "lib/systemd/system/nvidia-persistenced.service": "[Service]\nType=forking\n",
    }
    blacklist = "blacklist nouveau\nblacklist lbm-nouveau\nalias nouveau off\n"
    packages = [
        alone(compute, "libnvidia-compute", [], libraries, preinst=WAIT.format("unpacking")),
        alone(f"libnvidia-cfg1-{name}", "libnvidia-cfg1-any", [], {}),
        alone(f"libnvidia-gl-{name}", "libnvidia-gl", [], {}),
        alone(f"nvidia-compute-utils-{name}", "nvidia-compute-utils", same(compute), daemon),
        alone(
            f"nvidia-utils-{name}",
            "nvidia-utils",
            same(compute),
            {"usr/bin/nvidia-smi": "#!/bin/sh\nexit 9\n"},
        ),
        alone(
            common,
            "nvidia-kernel-common",
            [],
            {"lib/modprobe.d/nvidia-graphics-drivers.conf": blacklist},
            postinst=WAIT.format("configuring"),
        ),
    ]
    for module in ("", "-open") if int(branch) >= 535 else ("",):
        flavour = "open" if module else "proprietary"
        source = f"nvidia-kernel-source-{name}{module}"
        dkms = f"nvidia-dkms-{name}{module}"
        tree = f"usr/src/nvidia-{driver}"
        userspace = same(
            f"libnvidia-cfg1-{name}", compute, f"nvidia-compute-utils-{name}", common, source
        )
        packages += [
            alone(
                source,
                "nvidia-kernel-source",
                [],
                {
                    f"{tree}/dkms.conf": f'PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="{driver}"\n',
                    f"{tree}/nvidia.ko": kernel_module(driver, flavour),
                    f"{tree}/fails-for": "*-ibm\n" if branch == "595" else "-\n",
                },
            ),
            Package(
                dkms,
                version,
                {
                    "Depends": ["dkms", *same(source, common)],
                    "Provides": ["nvidia-dkms-kernel"],
                    "Conflicts": ["nvidia-dkms-kernel"],
                },
                {},
                {
                    "postinst": 'if [ "$1" = configure ]; then dkms autoinstall; fi',
                    "prerm": f"dkms remove nvidia/{driver}",
                },
            ),
            Package(f"nvidia-headless-no-dkms-{name}{module}", version, {"Depends": userspace}),
            Package(
                f"nvidia-driver-{name}{module}",
                version,
                {
                    "Depends": [
                        f"{dkms} (>= {driver})",
                        f"{dkms} (<= {driver}-1)",
                        *userspace,
                        *same(f"libnvidia-gl-{name}", f"nvidia-utils-{name}"),
                    ]
                },
            ),
        ]
    return packages


def ubuntu_archive(ubuntu: Ubuntu) -> list[Package]:
    """All that the release's archive has."""
    packages = [
        Package(
            "initramfs-tools",
            "0.142ubuntu25",
            {},
            {
                "usr/sbin/update-initramfs": UPDATE_INITRAMFS,
                "etc/kernel/postinst.d/initramfs-tools": "#!/bin/sh\nupdate-initramfs -c -k $1\n",
            },
        ),
        Package(
            "dkms",
            "3.0.11-1ubuntu13",
            {},
            {
                "usr/sbin/dkms": DKMS,
                "etc/kernel/postinst.d/dkms": "#!/bin/sh\ndkms autoinstall -k $1\n",
            },
        ),
        Package(
            "unattended-upgrades",
            "2.9.1",
            {},
            {"etc/apt/apt.conf.d/50unattended-upgrades": "Unattended-Upgrade::Origins {};\n"},
        ),
        Package(
            "gdm3",
            "46.2-1ubuntu1",
            {},
            {"usr/sbin/gdm3": "#!/bin/sh\n", "lib/systemd/system/gdm3.service": "[Service]\n"},
            {
                "postinst": "mkdir -p /etc/systemd/system\nln -s /lib/systemd/system/gdm3.service "
                "/etc/systemd/system/display-manager.service",
                "postrm": "rm -f /etc/systemd/system/display-manager.service",
            },
        ),
    ]
    for flavour, release in ubuntu.kernels.items():
        packages += ubuntu_kernel(flavour, release)
    for release in dict.fromkeys(ubuntu.kernels[flavour] for flavour in ubuntu.precompiled):
        number = release.rpartition("-")[0] + ".1"
        signature = f"usr/lib/linux/{release}/signatures/nvidia"
        packages.append(
            Package(
                f"linux-signatures-nvidia-{release}",
                number,
                {},
                {signature: "Module signature appended~\n"},
            )
        )
    for branch, driver in ubuntu.drivers.items():
        for server in ("", "-server"):
            packages += ubuntu_driver(branch, server, f"{driver}-0ubuntu0.1")
            for module in ("", "-open") if int(branch) >= 535 else ():
                packages += ubuntu_modules(ubuntu, branch, server, module)
    return packages
