"""What the hand-written pages say of other files: messages, paths, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugins.plugin_utils.gpu_doctor import rows
from plugins.plugin_utils.gpu_doctor.pasted import answer, host_of
from plugins.plugin_utils.gpu_doctor.report import explain
from tests.conftest import ROOT

MESSAGES = re.findall(
    r"^\| `([^`]+)` \| (.+?) \| \[([a-z ]+)\]\(symptoms\.md#([a-z-]+)\) \|$",
    (ROOT / "docs/no-gpu.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
# The site checks those between the pages of docs/ (tests/page/test_site.py).
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("docs/*.md")})


@pytest.mark.parametrize(("message", "name", "family", "anchor"), MESSAGES)
def test_a_message_is_what_the_page_calls_it(
    message: str, name: str, family: str, anchor: str
) -> None:
    host = host_of(message, rows.knowledge())
    told = explain(message, answer(message, host, rows.symptoms(), rows.languages()))
    assert f"Known as: {name}\n" in told
    symptoms = (ROOT / "docs/symptoms.md").read_text(encoding="utf-8")
    before = symptoms.partition(f"**{name}**")[0]
    assert re.findall(r"^## (.*)$", before, re.MULTILINE)[-1] == family
    assert anchor == family.replace(" ", "-")


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 9


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file_that_is_there(page: Path) -> None:
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    links = re.findall(r"\]\(([^)#\s]+)", re.sub(r"`[^`\n]+`", "", text))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_file_or_a_test_that_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    roots = "bench|docs|playbooks|plugins|requirements|roles|tests"
    files = re.findall(rf"`((?:{roots})/[\w/.-]+)`", text)
    assert [each for each in files if not (ROOT / each).exists()] == []
    for file, name in re.findall(r"`((?:unit|training)/test_\w+\.py): (test_\w+)`", text):
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
