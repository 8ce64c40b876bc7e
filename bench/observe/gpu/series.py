"""What was read of one quantity, over time."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise

from bench.record.measured import Measured, known, unknown

# Of two neighbouring readings, in s: further apart, what lay between them is not known.
_LONGEST_GAP = 2.0
# How long before the end of a window a reading may lie that stands for it, in s.
_NEAR = 1.0
_NO_READING = "no reading in these epochs"


class Series:
    """Readings in the order of their times (CLOCK_MONOTONIC, in s)."""

    def __init__(self) -> None:
        self._times = array("d")
        self._values = array("d")
        self._why: str | None = None

    def add(self, now: float, reading: Measured[float]) -> None:
        """Appends a reading, or remembers why there is none."""
        if reading.value is None:
            self._why = reading.why
            return
        self._times.append(now)
        self._values.append(float(reading.value))

    def first(self) -> Measured[float]:
        """The earliest reading."""
        return known(self._values[0]) if self._values else self._none()

    def last(self) -> Measured[float]:
        """The latest reading."""
        return known(self._values[-1]) if self._values else self._none()

    def readings(self, begun: float, ended: float) -> list[float]:
        """All within a window; in a very short one, the one just before its end."""
        start, stop = bisect_left(self._times, begun), bisect_right(self._times, ended)
        if start == stop and start > 0 and ended - self._times[start - 1] < _NEAR:
            start -= 1
        return list(self._values[start:stop])

    def mean(self, begun: float, ended: float) -> Measured[float]:
        """Of the readings within a window: they are evenly spaced."""
        found = self.readings(begun, ended)
        return known(sum(found) / len(found)) if found else self._none()

    def highest(self, begun: float, ended: float) -> Measured[float]:
        """Of the readings within a window."""
        found = self.readings(begun, ended)
        return known(max(found)) if found else self._none()

    def lowest(self, begun: float, ended: float) -> Measured[float]:
        """Of the readings within a window."""
        found = self.readings(begun, ended)
        return known(min(found)) if found else self._none()

    def increase(self, begun: float, ended: float) -> Measured[float]:
        """How far a counter went on within a window, read between readings along a line."""
        if (why := self._why_not_covered(begun, ended)) is not None:
            return unknown(why)
        grown = self._at(ended) - self._at(begun)
        return known(grown) if grown >= 0 else unknown("the counter went back")

    def integral(self, begun: float, ended: float) -> Measured[float]:
        """The area below the readings within a window, in their unit times s."""
        if (why := self._why_not_covered(begun, ended)) is not None:
            return unknown(why)
        inner = [t for t in self._times if begun < t < ended]
        times = [begun, *inner, ended]
        corners = pairwise([(time, self._at(time)) for time in times])
        return known(sum((t1 - t0) * (v0 + v1) / 2 for (t0, v0), (t1, v1) in corners))

    def _why_not_covered(self, begun: float, ended: float) -> str | None:
        if not self._times:
            return self._why or _NO_READING
        if self._times[0] > begun or self._times[-1] < ended:
            return "the readings do not reach over all of these epochs"
        start, stop = bisect_right(self._times, begun) - 1, bisect_left(self._times, ended) + 1
        inside = self._times[start:stop]
        longest = max((after - before for before, after in pairwise(inside)), default=0.0)
        if longest > _LONGEST_GAP:
            return f"NVML kept us waiting for {longest:.1f} s between two readings"
        return None

    def _at(self, time: float) -> float:
        after = min(bisect_left(self._times, time), len(self._times) - 1)
        t1, v1 = self._times[after], self._values[after]
        if after == 0 or t1 == time:
            return v1
        t0, v0 = self._times[after - 1], self._values[after - 1]
        return v0 + (v1 - v0) * (time - t0) / (t1 - t0)

    def _none(self) -> Measured[float]:
        return unknown(self._why or _NO_READING)
