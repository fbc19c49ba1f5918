"""The command line answers every mistake in one voice."""

import subprocess
import sys

import pytest

EVALUATE = ["evaluate", "--real", "ring8", "--fake", "ring8"]
TRAIN = ["train", "gan", "--data", "ring8", "--images", "100"]
LONG = 303 * "a"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["serach"], "no such command 'serach' (did you mean 'search'?); see `ganarena --help`"),
        (["runs", "--jsno"], "no such option '--jsno' (did you mean '--json'?); see `ganarena runs --help`"),
        (["sample"], "missing argument 'RUN'; see `ganarena sample --help`"),
        (["sample", "x", "-n", "0", "-o", "x.png"], "invalid value for '-n': 0 is not in the range 1<=x<=10000000;"),
        (["sample", "x", "--seed", "-1", "-o", "x.png"], "invalid value for '--seed': -1 is not in the range 0<=x<="),
        (["sample", "x", "--seed", str(2**63), "-o", "x.png"], f"invalid value for '--seed': {2**63} is not in the"),
        ([*TRAIN, "--seed", "1", "--seed", "1"], "train: seeds.1: 1 stands twice; give each once"),
        ([*TRAIN, "-p", "batch=4", "-p", "batch=8"], "-p batch=8: batch stands twice; give each once"),
        (
            [*TRAIN, "--engine", "compiled"],
            "--engine compiled: expected NAME=VALUE, for example --engine compiled=true",
        ),
        (
            [*TRAIN, "--engine", "tpu=1"],
            "train: engine.tpu: unknown key; expected one of precision, channels_last, comp",
        ),
        ([*EVALUATE, "--metrics", ""], "invalid value for '--metrics': expected names with commas between them, such"),
        ([*EVALUATE, "--metrics", "fd,,nope"], "invalid value for '--metrics': expected names with commas between the"),
        ([*EVALUATE, "--extractor", ""], "there is no extractor ''; there are identity, lenet"),
        ([*TRAIN, "--name", ""], "train: name: expected text, found ''"),
        ([*TRAIN, "--metrics", "fd,"], "invalid value for '--metrics': expected names with commas between them, such"),
        (["runs", "--home", LONG], f"{{here}}/{LONG}: this name is longer than the system allows; give a shorter one"),
        ([*TRAIN, "--home", LONG], f"{{here}}/{LONG}: this name is longer than the system allows; give a shorter one"),
        (["evaluate", "--real", LONG, "--fake", "ring8"], f"{LONG}: this name is longer than the system allows; give"),
        ([*TRAIN, "--extractor", ""], "train: evaluation.extractor: "),
        ([*TRAIN, "--seed", str(2**63)], f"invalid value for '--seed': {2**63} is not in the range"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_nothing_is_written(ganarena, tmp_path, words, sentence):
    answer = ganarena(*words)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(f"ganarena: {sentence.replace('{here}', str(tmp_path))}")
    assert answer.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_home_that_cannot_be_made_is_a_wrong_request(ganarena, tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    answer = ganarena(*TRAIN, "--home", "link")
    assert (answer.status, answer.out) == (2, "")
    said = f"ganarena: --home {tmp_path / 'link'}: no folder can be made there (File exists); choose another home\n"
    assert answer.err == said
    assert [each.name for each in tmp_path.iterdir()] == ["link"]


def test_who_has_closed_the_output_is_told_nothing_and_sees_no_traceback(tmp_path):
    command = f"{sys.executable} -c 'from orchestrator.cli import main; main()' list variants >&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path)  # noqa: S602
    assert (done.returncode, done.stderr) == (0, "")
