"""The end of a run: its record written whole, compared, drawn as a page, and told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError, RecordError
from bench.record.model import Record
from bench.runner.session import Session

if TYPE_CHECKING:
    import pytest

    from bench.compare.until_clear import Comparison, ComparisonRequest
    from bench.report.format import Screen


@dataclass(frozen=True, slots=True)
class Ending:
    """What was recorded.

    path: of the record, or None where nothing could be written.
    problem: why the record could not be written whole, or None.
    """

    record: Record
    path: Path | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """What a run came to.

    page: where its page is, or None; no_page: why there is none that was asked for.
    """

    ending: Ending
    comparison: Comparison | None
    page: Path | None
    no_page: str | None

    @property
    def is_well(self) -> bool:
        """Whether all could be written, and a comparison has an answer, and no row is slower."""
        return not self.problems and (self.comparison is None or self.comparison.status == 0)

    def tell(self, reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Prints it at the end of pytest's output."""
        from bench.report.format import Screen

        colours, pictures = reporter.hasmarkup, not config.option.no_plots
        screen = Screen.of(sys.stdout, colours=colours, pictures=pictures)
        for heading, text in self.sections(screen, verbose=config.option.verbose > 0):
            reporter.section(heading)
            reporter.write(text)
        for problem in self.problems:
            reporter.write_line(f"bench: {problem}")

    def sections(self, screen: Screen, *, verbose: bool) -> Iterator[tuple[str, str]]:
        """A heading and its text: the results, and the comparison."""
        from bench.report import summary

        record, path = self.ending.record, self.ending.path
        yield "Results", summary.text(record, path, screen, page=self.page, verbose=verbose)
        if self.comparison:
            yield "Comparison", self.comparison.text(screen)

    @property
    def problems(self) -> list[str]:
        """What could not be written or answered, a line each."""
        unanswered = self.comparison.problem if self.comparison else None
        return [told for told in (self.ending.problem, self.no_page, unanswered) if told]


def close(session: Session, request: ComparisonRequest | None) -> Closing | None:
    """Writes all that there is; None where nothing was trained."""
    file = session.record
    if not (file.results or file.time_to_target):
        file.close()
        return None
    try:
        ending = Ending(session.finish(), file.path if file.written else None)
    except RecordError as error:
        ending = Ending(file.record, file.journal, str(error))
    page, no_page = _page(session, ending)
    return Closing(ending, _comparison(session, ending, request), page, no_page)


def _comparison(
    session: Session, ending: Ending, request: ComparisonRequest | None
) -> Comparison | None:
    if request is None:
        return None
    from bench.compare import until_clear
    from bench.record.comparable import Rows

    return until_clear.compared(request, Rows.of(session.record.path, ending.record))


def _page(session: Session, ending: Ending) -> tuple[Path | None, str | None]:
    """Where the page is, or why it could not be written: the figures are what counts."""
    if not (ending.path and session.settings.page):
        return None, None
    from bench.page import write

    page = session.settings.html or ending.path.with_suffix(".html")
    try:
        write.write(write.page([(ending.record, ending.path)]), page)
    except GrindstoneError as error:
        return None, str(error)
    return page, None
