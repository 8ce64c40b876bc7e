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


DUMMIES_BELOW = 580  # those without -server lead on to 580: no plan names them
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
            "kvm": "6.8.0-1039-kvm",
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


def needs(*packages: str) -> dict[str, list[str]]:
    """The relations of a package that only depends on others."""
    return {"Depends": list(packages)}


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
            needs(f"linux-modules-{release}"),
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
        *(
            Package(f"linux-{part}-{flavour}", meta, needs(f"linux-{part}-{release} (= {version})"))
            for part in ("image", "headers")
        ),
        Package(
            f"linux-{flavour}",
            meta,
            needs(f"linux-image-{flavour} (= {meta})", f"linux-headers-{flavour} (= {meta})"),
        ),
    ]


def ubuntu_modules(ubuntu: Ubuntu, branch: str, server: str, module: str) -> list[Package]:
    """The precompiled modules of a branch; `server` is "-server" or "", `module` "-open" or ""."""
    driver, name = ubuntu.drivers[branch], f"{branch}{server}{module}"
    flavour = "open" if module else "proprietary"
    common = f"nvidia-kernel-common-{branch}{server}"
    provides = {"Provides": [f"nvidia-dkms-{name} (= {driver}-0ubuntu0.1)"]}
    provides["Provides"].append("nvidia-prebuilt-kernel")
    packages = []
    for kernel in ubuntu.precompiled:
        release = ubuntu.kernels[kernel]
        version = release.rpartition("-")[0] + ".1"
        folder = f"lib/modules/{release}/kernel/nvidia-{branch}{'srv' if server else ''}{module}"
        bits, built = f"{folder}/bits/nvidia.o", f"/{folder}/nvidia.ko"
        objects = f"linux-objects-nvidia-{name}-{release}"
        modules = f"linux-modules-nvidia-{name}-{release}"
        signature = f"/usr/lib/linux/{release}/signatures/nvidia"
        parts = needs(
            f"linux-image-{release}",
            f"{objects} (= {version})",
            f"linux-signatures-nvidia-{release} (= {version})",
            f"{common} (>= {driver})",
            f"{common} (<= {driver}-1)",
        )
        whole = needs(f"{modules} (= {version})", f"{common} (>= {driver})")
        # As the real one: joins what comes apart, the module and its signature.
        join = f"{WAIT.format('module')}\ncat /{bits} {signature} > {built}"
        scripts = {"postinst": join, "prerm": f"rm -f {built}"}
        packages += [
            Package(objects, version, {}, {bits: kernel_module(driver, flavour)}),
            Package(modules, version, {**parts, **provides}, {}, scripts),
            Package(f"linux-modules-nvidia-{name}-{kernel}", version, {**whole, **provides}),
        ]
    return packages


def same(version: str, *packages: str) -> list[str]:
    """Relations to packages of exactly that version."""
    return [f"{package} (= {version})" for package in packages]


def alone(
    name: str, version: str, depends: list[str], files: Files, branch: str, **scripts: str
) -> Package:
    """A package that can be there for one branch only; what it provides is its name without it."""
    provides = name.replace(f"-{branch}", "").removesuffix("-open")
    provides += "-any" if provides == "libnvidia-cfg1" else ""
    only = {"Provides": [provides], "Conflicts": [provides], "Replaces": [provides]}
    return Package(name, version, {**(needs(*depends) if depends else {}), **only}, files, scripts)


def ubuntu_driver(branch: str, server: str, version: str) -> list[Package]:
    """The driver's packages of a branch that are the same for all kernels."""
    driver, name = version.split("-")[0], f"{branch}{server}"
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
    blacklist: Files = {
        "lib/modprobe.d/nvidia-graphics-drivers.conf": "blacklist nouveau\nblacklist lbm-nouveau\n"
        "alias nouveau off\n"
    }
    smi: Files = {"usr/bin/nvidia-smi": "#!/bin/sh\nexit 9\n"}
    unpacking, configuring = WAIT.format("unpacking"), WAIT.format("configuring")
    needed = same(version, compute)
    packages = [
        alone(compute, version, [], libraries, name, preinst=unpacking),
        alone(f"libnvidia-cfg1-{name}", version, [], {}, name),
        alone(f"libnvidia-gl-{name}", version, [], {}, name),
        alone(f"nvidia-compute-utils-{name}", version, needed, daemon, name),
        alone(f"nvidia-utils-{name}", version, needed, smi, name),
        alone(f"nvidia-kernel-common-{name}", version, [], blacklist, name, postinst=configuring),
    ]
    for module in ("", "-open") if int(branch) >= 535 else ("",):
        packages += ubuntu_dkms(branch, name, module, version)
    return packages


def ubuntu_dkms(branch: str, name: str, module: str, version: str) -> list[Package]:
    """What builds a branch's module by DKMS, and the packages that bring all of the driver."""
    driver, flavour = version.split("-")[0], "open" if module else "proprietary"
    source, dkms = f"nvidia-kernel-source-{name}{module}", f"nvidia-dkms-{name}{module}"
    common, tree = f"nvidia-kernel-common-{name}", f"usr/src/nvidia-{driver}"
    sources: Files = {
        f"{tree}/dkms.conf": f'PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="{driver}"\n',
        f"{tree}/nvidia.ko": kernel_module(driver, flavour),
        f"{tree}/fails-for": "*-kvm\n" if branch == "595" else "-\n",
    }
    only = {"Provides": ["nvidia-dkms-kernel"], "Conflicts": ["nvidia-dkms-kernel"]}
    scripts = {
        "postinst": 'if [ "$1" = configure ]; then dkms autoinstall; fi',
        "prerm": f"dkms remove nvidia/{driver}",
    }
    parts = (f"libnvidia-cfg1-{name}", f"libnvidia-compute-{name}", f"nvidia-compute-utils-{name}")
    userspace = same(version, *parts, common, source)
    rest = same(version, f"libnvidia-gl-{name}", f"nvidia-utils-{name}")
    built = [f"{dkms} (>= {driver})", f"{dkms} (<= {driver}-1)"]
    building = needs("dkms", *same(version, source, common))
    return [
        alone(source, version, [], sources, name),
        Package(dkms, version, {**building, **only}, {}, scripts),
        Package(f"nvidia-headless-no-dkms-{name}{module}", version, needs(*userspace)),
        Package(f"nvidia-driver-{name}{module}", version, needs(*built, *userspace, *rest)),
    ]


# What is in the packages beside kernels and drivers, and gdm3's scripts.
INITRAMFS: Files = {
    "usr/sbin/update-initramfs": UPDATE_INITRAMFS,
    "etc/kernel/postinst.d/initramfs-tools": "#!/bin/sh\nupdate-initramfs -c -k $1\n",
}
DKMS_FILES: Files = {
    "usr/sbin/dkms": DKMS,
    "etc/kernel/postinst.d/dkms": "#!/bin/sh\ndkms autoinstall -k $1\n",
}
UPGRADES: Files = {"etc/apt/apt.conf.d/50unattended-upgrades": "Unattended-Upgrade::Origins {};\n"}
GDM: Files = {"usr/sbin/gdm3": "#!/bin/sh\n", "lib/systemd/system/gdm3.service": "[Service]\n"}
MANAGER = "/etc/systemd/system/display-manager.service"
GDM_SCRIPTS = {
    "postinst": f"mkdir -p /etc/systemd/system\nln -s /lib/systemd/system/gdm3.service {MANAGER}",
    "postrm": f"rm -f {MANAGER}",
}


def ubuntu_archive(ubuntu: Ubuntu) -> list[Package]:
    """All that the release's archive has."""
    packages = [
        Package("initramfs-tools", "0.142ubuntu25", {}, INITRAMFS),
        Package("dkms", "3.0.11-1ubuntu13", {}, DKMS_FILES),
        Package("unattended-upgrades", "2.9.1", {}, UPGRADES),
        Package("gdm3", "46.2-1ubuntu1", {}, GDM, GDM_SCRIPTS),
    ]
    for flavour, release in ubuntu.kernels.items():
        packages += ubuntu_kernel(flavour, release)
    for release in dict.fromkeys(ubuntu.kernels[flavour] for flavour in ubuntu.precompiled):
        number = release.rpartition("-")[0] + ".1"
        file = f"usr/lib/linux/{release}/signatures/nvidia"
        signature: Files = {file: "Module signature appended~\n"}
        packages.append(Package(f"linux-signatures-nvidia-{release}", number, {}, signature))
    for branch, driver in ubuntu.drivers.items():
        for server in ("-server",) if int(branch) < DUMMIES_BELOW else ("", "-server"):
            packages += ubuntu_driver(branch, server, f"{driver}-0ubuntu0.1")
            for module in ("", "-open") if int(branch) >= 535 else ():
                packages += ubuntu_modules(ubuntu, branch, server, module)
    return packages
