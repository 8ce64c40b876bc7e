# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The benchmark as this checkout has it, in one archive: what git tracks of it, as it is now."""

from __future__ import annotations

DOCUMENTATION = """
module: benchmark_tree
short_description: Packs the benchmark of a checkout
description:
  - Packs the files of the benchmark that git tracks, as they are in the working tree.
  - Runs on the controller.
author: The Grindstone authors (@grindstone)
options:
  checkout:
    description: The folder of the checkout.
    type: path
    required: true
  dest:
    description: The archive to write.
    type: path
    required: true
"""

EXAMPLES = """
- name: Pack the benchmark
  grindstone.grindstone.benchmark_tree:
    checkout: /home/me/grindstone
    dest: /home/me/grindstone/results/fleet/20261126T100000Z/bench.tar.gz
  delegate_to: localhost
"""

RETURN = """
id:
  description: Twelve digits of the hash of its files.
  returned: success
  type: str
"""

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

# The last one tells that an archive was unpacked whole.
PARTS = ("bench", "requirements/run.txt", "pyproject.toml")


def tracked(checkout: Path) -> list[str]:
    """The names of the files, those of the last part at the end.

    Raises:
        ValueError: it is no checkout with a benchmark.
    """
    expected = f"{checkout} is no git checkout of Grindstone, which the benchmark is packed from"
    listing = ["git", "-C", str(checkout), "ls-files", "-z", "--", *PARTS]
    try:
        done = subprocess.run(listing, capture_output=True, check=False)
    except OSError as error:
        raise ValueError(f"git cannot be started ({error.strerror}): install it here") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ValueError(f"{expected}: {said[0] if said else 'git failed'}")
    names = [name for name in os.fsdecode(done.stdout).split("\0") if name]
    there = [name for name in names if (checkout / name).is_file()]
    if not {"bench/conftest.py", *PARTS[1:]} <= set(there):
        raise ValueError(f"{expected}: git clone it, and run the playbook there")
    return sorted(there, key=lambda name: (name == PARTS[-1], name))


def pack(checkout: Path, names: list[str]) -> tuple[str, bytes]:
    """The hash of the files, and an archive of them that is the same whoever packs it."""
    digest, packed = hashlib.sha256(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            content = (checkout / name).read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return digest.hexdigest()[:12], packed.getvalue()


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "checkout": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    checkout, dest = Path(module.params["checkout"]), Path(module.params["dest"])
    try:
        digest, packed = pack(checkout, tracked(checkout))
        if not module.check_mode:
            dest.parent.mkdir(parents=True, exist_ok=True)
            partial = dest.with_name(f".{dest.name}.{os.getpid()}")
            partial.write_bytes(packed)
            partial.replace(dest)
    except ValueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the benchmark cannot be packed: {error}")
    module.exit_json(changed=False, id=digest)


if __name__ == "__main__":
    main()
