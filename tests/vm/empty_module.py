"""A kernel module of our own that does nothing, built, signed and placed by Debian's DKMS.

It takes the place of NVIDIA's where only the way to the kernel matters: NVIDIA's takes minutes to
build, and without a GPU it does not load.
"""

from __future__ import annotations

from tests.support.roots import Root
from tests.vm import images

SOURCE = "usr/src/empty-1.0"
FILES = {
    "empty.c": """#include <linux/module.h>
MODULE_LICENSE("GPL");
static int __init begin(void) { return 0; }
static void __exit end(void) { }
module_init(begin);
module_exit(end);
""",
    "Makefile": "obj-m := empty.o\n",
    "dkms.conf": """PACKAGE_NAME="empty"
PACKAGE_VERSION="1.0"
BUILT_MODULE_NAME[0]="empty"
DEST_MODULE_LOCATION[0]="/updates"
AUTOINSTALL="yes"
""",
}


def install(root: Root) -> str:
    """Brings DKMS and the module to `root`, and returns the path of what was built."""
    (root.path / SOURCE).mkdir()
    for name, text in FILES.items():
        (root.path / SOURCE / name).write_text(text, encoding="utf-8")
    packages = ["dkms", "linux-headers-amd64"]  # the newest kernel's headers come before it
    root.command("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    (kernel,) = images.kernels(root)
    root.command("dkms", "install", "empty/1.0", "-k", kernel)
    return f"lib/modules/{kernel}/updates/dkms/empty.ko"
