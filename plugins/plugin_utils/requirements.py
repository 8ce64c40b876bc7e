"""msgspec, which the machine that runs Ansible has to have.

Without it these plugins can still be imported, as Ansible does to list and document them.  Who uses
one of them is told in one line what to install.
"""

from __future__ import annotations

from typing import Any

try:
    import msgspec
except ImportError:

    class _Missing:
        """What a class statement needs of msgspec, and the advice for all else."""

        UNSET = None

        class Struct:
            """A base class that takes the options of msgspec's."""

            def __init_subclass__(cls, **options: Any) -> None:
                """Takes the options and ignores them."""

        @staticmethod
        def Meta(**options: Any) -> dict[str, Any]:  # noqa: N802
            """An annotation that nobody reads."""
            return options

        def __getattr__(self, name: str) -> Any:
            raise ImportError("msgspec is not installed where Ansible runs: pip install msgspec")

    msgspec = _Missing()  # type: ignore[assignment]

__all__ = ["msgspec"]
