"""Grindstone's benchmark: trains small, well-known networks on the CPU and on every GPU."""

__version__ = "0.1.0"
