"""Mock Ubuntus: 22.04 and 24.04 on Debian 12, 26.04 on Debian 13."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support import roots
from tests.support.mock_archive import MockDistribution, apt_repository, cached, keys, served
from tests.support.mock_ubuntu_packages import RELEASES, Ubuntu, ubuntu_archive, ubuntu_driver

UBUNTU_NEEDS = ["python3-apt", "kmod"]  # what is Debian's own in an Ubuntu-like root
HOSTS = {
    "distribution": "archive.ubuntu.com/ubuntu",
    "ppa": "ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu",
}


def distribution(version: str) -> MockDistribution:
    """An Ubuntu with the usual kernel, whose repositories have to be `served`."""
    ubuntu = RELEASES[version]

    def make(root: roots.Root, web: Path) -> None:
        root.command("apt-get", "update")
        root.command("apt-get", "install", "--yes", "--no-install-recommends", *UBUNTU_NEEDS)
        with keys() as signer:
            newer = ubuntu_driver("580", "", f"580.105.08-0ubuntu0~gpu{version}.1")
            for host, origin, packages in (
                ("distribution", "Ubuntu", ubuntu_archive(ubuntu)),
                ("ppa", "LP-PPA-graphics-drivers", newer),
            ):
                apt_repository(web / HOSTS[host], origin, ubuntu.codename, packages, signer)
            key = root.path / "usr/share/keyrings/ubuntu-archive-keyring.gpg"
            key.write_bytes(signer.public)
        _call_it_ubuntu(root, ubuntu)
        for folder in ("lists", "sources.list.d"):
            parent = root.path / ("var/lib/apt" if folder == "lists" else "etc/apt") / folder
            for path in parent.glob("*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (root.path / "etc/apt/sources.list").unlink(missing_ok=True)
        add_source(root, "ubuntu", "distribution", ubuntu)
        with served(web) as port:
            use_web(root, port)
            root.command("apt-get", "update")
            kernel = ["linux-generic", "initramfs-tools", "unattended-upgrades"]
            root.command("apt-get", "install", "--yes", *kernel)
            root.command("apt-get", "clean")

    return cached(f"ubuntu-{version}", ubuntu.suite, make)


def _call_it_ubuntu(root: roots.Root, ubuntu: Ubuntu) -> None:
    (root.path / "etc/modules-load.d").mkdir(exist_ok=True)  # systemd's
    release = root.path / "etc/os-release"
    release.unlink()
    lines = {
        "PRETTY_NAME": f"Ubuntu {ubuntu.version} LTS",
        "NAME": "Ubuntu",
        "VERSION_ID": ubuntu.version,
        "VERSION_CODENAME": ubuntu.codename,
        "ID": "ubuntu",
        "ID_LIKE": "debian",
        "UBUNTU_CODENAME": ubuntu.codename,
    }
    text = "".join(f'{name}="{value}"\n' for name, value in lines.items())
    release.write_text(text, encoding="utf-8")
    (root.path / "etc/lsb-release").write_text(
        f"DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE={ubuntu.version}\n"
        f"DISTRIB_CODENAME={ubuntu.codename}\n",
        encoding="utf-8",
    )


def add_source(root: roots.Root, name: str, origin: str, ubuntu: Ubuntu) -> None:
    """Lets the root's apt know one of the repositories."""
    (root.path / f"etc/apt/sources.list.d/{name}.sources").write_text(
        f"Types: deb\nURIs: http://{HOSTS[origin]}\nSuites: {ubuntu.codename}\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n",
        encoding="utf-8",
    )


def use_web(root: roots.Root, port: int) -> None:
    """Lets the root's apt reach what is `served` at that port, and nothing else."""
    path = root.path / "etc/apt/apt.conf.d/99mock-archive"
    path.write_text(f'Acquire::http::Proxy "http://127.0.0.1:{port}";\n', encoding="utf-8")
