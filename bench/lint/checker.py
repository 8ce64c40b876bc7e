"""What the rules find in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.lint import names, reader
from bench.lint.rules import NAMED, RULES
from bench.lint.rules.rule import Hit
from bench.lint.source import Source, SourceError


@dataclass(frozen=True, slots=True)
class Finding:
    """A trap that a file falls into.

    where: `digits.py:12`; certain: whether it is one, else only probably.
    """

    where: str
    line: int
    rule: str
    certain: bool
    what: str

    @property
    def text(self) -> str:
        """As the line that a person reads."""
        sure = "certain" if self.certain else "suspected"
        return f"{self.where}: {self.rule} ({sure}): {self.what}"

    def members(self) -> dict[str, object]:
        """As JSON has it."""
        rule = NAMED[self.rule]
        told = {"where": self.where, "line": self.line, "rule": self.rule, "certain": self.certain}
        return {**told, "what": self.what, "why": rule.why, "do": rule.do}


@dataclass(frozen=True, slots=True)
class Looked:
    """How many networks and trainings a file has, and what was found in it."""

    findings: tuple[Finding, ...]
    networks: int
    trainings: int


def look(source: Source, more: Sequence[tuple[str, Hit]] = ()) -> Looked:
    """What the rules find in a script, by reading it alone.

    more: what was found otherwise, by rule; what is found by reading has the better line.

    Raises:
        SourceError: it has nothing that the rules know, or is nested too deeply.
    """
    try:
        program = reader.read(source.tree, source.path.parent)
        hits = [(rule.name, hit) for rule in RULES for hit in rule.find(program)]
        seen = {name for name, hit in hits if hit.certain}
        hits += [each for each in more if each[0] not in seen]
    except RecursionError as error:
        raise SourceError(f"{source.where(1)}: it is nested too deeply to be read") from error
    found = findings(source, hits)
    if not program.imports & names.KERAS and not found:
        others = sorted(program.imports & _OTHERS)
        what = f"it uses {' and '.join(others)}" if others else "it imports no Keras"
        raise SourceError(
            f"{source.where(1)}: not understood: {what}, and scripts that use Keras are expected"
        )
    lines = {network.line for network in program.networks}
    return Looked(found, len(lines), len({fit.line for fit in program.fits}))


_OTHERS = frozenset({"torch", "pytorch_lightning", "lightning", "jax", "flax", "fastai", "mxnet"})


def findings(source: Source, hits: Iterable[tuple[str, Hit]]) -> tuple[Finding, ...]:
    """The findings of rules, each once and in the order of lines, without those that are meant."""
    made = {
        (hit.line, name): Finding(
            source.where(hit.line), hit.line, name, hit.certain, source.told(hit.what)
        )
        for name, hit in reversed(list(hits))
        if not source.allows(hit.line, name)
    }
    return tuple(made[each] for each in sorted(made))
