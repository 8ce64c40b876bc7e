"""Grindstone's benchmark: trains small, well-known networks on the CPU and on every GPU."""
