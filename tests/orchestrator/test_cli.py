"""The command line answers every mistake in one voice."""

import pytest


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["serach"], "no such command 'serach' (did you mean 'search'?); see `ganarena --help`"),
        (["runs", "--jsno"], "no such option '--jsno' (did you mean '--json'?); see `ganarena runs --help`"),
        (["sample"], "missing argument 'RUN'; see `ganarena sample --help`"),
        (["sample", "x", "-n", "0", "-o", "x.png"], "invalid value for '-n': 0 is not in the range 1<=x<=10000000;"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_where_help_is(ganarena, words, sentence):
    answer = ganarena(*words)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(f"ganarena: {sentence}")
    assert answer.err.count("\n") == 1
