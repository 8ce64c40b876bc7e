"""A plug-in of pytest: a target is trained to from two seeds, where it would be from five."""

from __future__ import annotations

from bench.runner import time_to_target

time_to_target.SEEDS = 2
