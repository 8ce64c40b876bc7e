"""What stands for NVIDIA's own apt repository."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from plugins.filter.openpgp import key_fingerprints
from tests.support.mock_archive import keys
from tests.support.mock_packages import Package, deb


@dataclass(frozen=True)
class Nvidia:
    """What stands for NVIDIA's repository, in the folder `path`, and what is known of its key."""

    path: Path
    fingerprint: str


def nvidia_repository(folder: Path, distro: str, packages: list[Package]) -> Nvidia:
    """The repository for a distribution: flat, as NVIDIA's are, with its keyring's package."""
    repository = folder / distro / "x86_64"
    repository.mkdir(parents=True)
    with keys() as signer:
        for package in packages:
            deb(package, repository)
        ftparchive = ["apt-ftparchive", "-qq", "-o", "APT::FTPArchive::Release::Origin=NVIDIA"]
        index = subprocess.check_output([*ftparchive, "packages", "."], cwd=repository)
        (repository / "Packages").write_bytes(index)
        release = subprocess.check_output([*ftparchive, "release", "."], cwd=repository)
        (repository / "InRelease").write_bytes(signer.gpg("--clearsign", data=release))
        public = signer.public
    keyring = Package("cuda-keyring", "1.1-1", {}, {"usr/share/keyrings/cuda.gpg": public})
    deb(keyring, repository)
    (repository / "cuda-keyring_1.1-1_amd64.deb").rename(repository / "cuda-keyring_1.1-1_all.deb")
    (fingerprint,) = key_fingerprints(base64.b64encode(public).decode())
    return Nvidia(folder, fingerprint)
