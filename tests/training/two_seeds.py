"""A plug-in of pytest: a perceptron is trained to its floor from two seeds, others from five."""

from __future__ import annotations

from bench.runner import time_to_target
from bench.workloads import WORKLOADS

time_to_target.TARGETED = (WORKLOADS["mlp"],)  # type: ignore[assignment]
time_to_target.SEEDS = 2
