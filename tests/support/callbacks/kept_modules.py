"""Keeps the archives of modules that Ansible sends to hosts from one of its runs to the next.

It packs each module with all that it imports once a run: a fifth of a second, for twenty of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import connection_loader

DOCUMENTATION = """
name: kept_modules
type: aggregate
short_description: Keeps packed modules
description: Keeps packed modules in the folder KEPT_MODULES.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Ansible's entry point."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_modules"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").symlink_to(os.environ["KEPT_MODULES"])
        # Or each process that is forked for a task reads what its collection has renamed.
        connection_loader.get("community.general.chroot", class_only=True)
