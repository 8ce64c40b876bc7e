"""The rules, a row a trap, and what they find in a script."""

from __future__ import annotations

from bench.lint.rules import data, inputs, networks, runs, scores

RULES = (*data.RULES, *scores.RULES, *runs.RULES, *inputs.RULES, *networks.RULES)
NAMED = {rule.name: rule for rule in RULES}
