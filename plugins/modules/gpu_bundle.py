# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the files of a bug report into one archive, the same bytes for the same files."""

from __future__ import annotations

DOCUMENTATION = """
module: gpu_bundle
short_description: Packs texts into an archive to attach to a bug report
description:
  - Writes a C(tar.gz) of the texts it is given, without any name of who packs it.
author: The Grindstone authors (@grindstone)
options:
  path:
    description: The archive. Its folder has to be there.
    type: path
    required: true
  files:
    description: Names below the archive's folder C(grindstone), each with its text.
    type: dict
    required: true
"""

EXAMPLES = """
- name: Write the bundle
  grindstone.grindstone.gpu_bundle:
    path: /tmp/report.tar.gz
    files: {host-1/doctor.txt: no problem found}
  delegate_to: localhost
"""

RETURN = """
path:
  description: The archive.
  returned: always
  type: str
"""

import gzip
import io
import tarfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def archive(files: dict[str, str]) -> bytes:
    """The archive's bytes: no owner, no time, no name of its own in them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(f"grindstone/{name}")
            content = files[name].encode()
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    content = archive(module.params["files"])
    changed = not path.is_file() or path.read_bytes() != content
    if changed and not module.check_mode:
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(content)
            part.replace(path)
        except OSError as error:
            module.fail_json(
                msg=f"{path} cannot be written ({error.strerror}): name another in doctor_bundle"
            )
    module.exit_json(changed=changed, path=str(path))


if __name__ == "__main__":
    main()
