"""Words of others in our tables: one line, and nothing that a program would take for its own."""

import csv
import io

import pytest

from orchestrator.cli.ranking import _csv, _markdown
from orchestrator.wording import inert, one_line

ROWS = [{"=lr": -0.5, "reason": "=1+1", "note": "+1e-3"}, {"=lr": 2, "reason": "an error\nof | lines", "note": None}]


def test_every_row_of_a_markdown_table_is_one_line():
    head, line, first, second = _markdown(ROWS).splitlines()
    assert second == "| 2 | an error of \\| lines |  |"
    assert {each.replace("\\|", "").count("|") for each in (head, line, first, second)} == {4}


def test_a_spreadsheet_takes_no_text_of_users_for_a_formula_and_numbers_stay_numbers():
    head, first, _ = csv.reader(io.StringIO(_csv(ROWS)))
    assert (head[0], *first) == ("'=lr", "-0.5", "'=1+1", "+1e-3")


@pytest.mark.parametrize(("text", "shown"), [("@x", "'@x"), ("-x", "'-x"), ("-5", "-5"), ("x=1", "x=1"), ("", "")])
def test_only_what_begins_like_a_formula_is_changed(text, shown):
    assert inert(text) == shown


def test_an_error_is_told_in_one_line():
    assert one_line(RuntimeError("first\n  second")) == "RuntimeError: first second"
    assert one_line(MemoryError()) == "MemoryError"
