"""Every malformed experiment file: one sentence with file and line, status 2, and an untouched home."""

# ruff: noqa: E501  (a table reads better in long lines)

from pathlib import Path
from typing import Any

import pytest

import gans
from orchestrator import machine

GOOD = """\
name: tiny
variant: gan
data: {name: ring8}
hyperparameters: {batch: 64}
budget: {images: 2560, tick: 1280}
seeds: [0, 1]
evaluation: {samples: 100, metrics: [fd, modes]}
space:
  generator_lr: {loguniform: [1e-4, 1e-2]}
search: {contenders: 2, sampler: random}
resources: {cpus: 1}
stop: [diverged]
"""
STUDY = """\
name: tiny
study:
  variants: [gan, wgan]
  data: [ring8, grid25]
budget: {steps: 20, tick: 10}
"""

MALFORMED = Path(__file__).parent / "malformed"
"""In each table a line says what is changed in the good file, the next one what is said of it: line, key, sentence."""

WORDS = {
    "\\n": "\n",
    "LONG": "x" * 201,
    "VARIANTS": ", ".join(gans.VARIANTS),
    "READ_BY_GAN": ", ".join(gans.hyperparameters(gans.variant("gan"))),
    "CPUS": str(machine.cpus()),
    "GPUS": str(machine.gpus()),
}

BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)

# Broken or hostile YAML: the whole file, and what is said.
BROKEN = [
    ("tab", "budget:\n\timages: 3\n", ":2: not valid YAML: while scanning for the next token, found character '\\t' that cannot start any token; indent with spaces"),
    ("unclosed bracket", "name: x\nseeds: [0, 1\nstop: []\n", ":3: not valid YAML: while parsing a flow sequence, expected ',' or ']', but got ':'; it began in line 2"),
    ("unclosed brace", "name: x\nbudget: {tick: 1\n", ":3: not valid YAML: while parsing a flow mapping, expected ',' or '}', but got '<stream end>'; it began in line 2"),
    ("unclosed quote", "name: 'x\n", ":2: not valid YAML: while scanning a quoted scalar, found unexpected end of stream; it began in line 1"),
    ("colon in text", "name: a: b\n", ":1: not valid YAML: mapping values are not allowed here; put text that holds a colon in quotes, and look at the indentation"),
    ("python tag", "name: !!python/object/apply:pathlib.Path.touch [pwned]\n", ":1: the tag !!python/object/apply:pathlib.Path.touch is refused; an experiment file holds plain values without tags"),
    ("own tag", "name: x\ndata: !secret {a: 1}\n", ":2: the tag !secret is refused; an experiment file holds plain values without tags"),
    ("tag of another kind", "name: !!float {a: 1}\n", ":1: the tag !!float is refused; an experiment file holds plain values without tags"),
    ("tag on a key", "!!str name: x\n", ":1: expected a name as key, found a tag"),
    ("exploding anchors", BOMB, ":1: expected at most 100,000 values, aliases included"),
    ("recursive alias", "name: x\ndata: &a\n  name: *a\n", ":3: the alias *a stands inside of what it repeats"),
    ("unknown alias", "name: *nobody\n", ":1: the alias *nobody repeats nothing; no anchor &nobody stands before it"),
    ("anchor given twice", "name: &a x\nvariant: &a gan\n", ":2: the anchor &a stands twice; give each name once"),
    ("two documents", f"{GOOD}---\n{GOOD}", ":13: expected one document, found a second"),
    ("older YAML", f"%YAML 1.1\n---\n{GOOD}", ":2: expected YAML 1.2, found the directive %YAML 1.1"),
    ("binary", bytes(range(256)), ":2: expected UTF-8 text, found byte 0x80"),
    ("invalid UTF-8", GOOD.replace("[diverged]", "[déjà]").encode("latin-1"), ":12: expected UTF-8 text, found byte 0xe9"),
    ("UTF-16", GOOD.encode("utf-16"), ":1: expected UTF-8 text, found byte 0xff"),
    ("NUL", f"{GOOD}\0", ":13: not valid YAML: found the control character U+0000"),
    ("impossible escape", 'name: "\\UFFFFFFFF"\n', ": not valid YAML: found an escape that is no character"),
    ("ten megabytes", "x" * 10_000_000, ": expected an experiment file of at most 100,000 bytes, found more"),
    ("deep lists", f"name: {'[' * 1000}{']' * 1000}\n", ":1: expected at most 16 levels of lists and mappings, found more"),
    ("deep mappings", "".join(f"{' ' * depth}a:\n" for depth in range(100)), ":18: expected at most 16 levels of lists and mappings, found more"),
    ("empty", "", ": expected keys such as `name:` and `budget:`, found nothing"),
    ("comment only", "# nothing\n", ": expected keys such as `name:` and `budget:`, found nothing"),
    ("list at top", "- name: x\n", ":1: expected keys such as `name:` and `budget:`, found a list"),
    ("text at top", "hello\n", ":1: expected keys such as `name:` and `budget:`, found 'hello'"),
    ("merge key", "a: &a {images: 3}\nbudget:\n  <<: *a\n", ":3: the merge key << is not part of YAML 1.2; write the keys out"),
    ("number as key", "name: x\n3: y\n", ":2: expected a name as key, found 3"),
    ("list as key", "? [a, b]\n: c\n", ":1: expected a name as key, found a list"),
    ("endless number", f"seed: {'9' * 5000}\n", ":1: expected a number that fits, found one of 5,000 digits"),
    ("key on two lines", '"a\\nb": 1\n', ":1: 'a\\nb': unknown key; expected one of name, hyperparameters, budget, seeds, evaluation, resources, engine, stop, baselines, log_system_metrics, variant, trainer, generator, data, space, search; 3 more to mend"),
]  # fmt: skip


@pytest.fixture
def refused(ganarena, tmp_path):
    """Give a file to the command line, for good and as a dry run; return the sentence with which both refuse it."""
    file = tmp_path / "tiny.yaml"

    def run(content: str | bytes, *options: str, command: str = "search") -> str:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        there = sorted(tmp_path.iterdir())
        for how in ("--dry-run", "--json"):
            answer = ganarena(command, file.name, *options, how)
            assert answer.status == 2
            assert answer.out == ""
            assert answer.err.count("\n") == 1
        assert sorted(tmp_path.iterdir()) == there
        return answer.err.strip()

    return run


def cases(table: str) -> list[Any]:
    """What is replaced, by what, and what is said of it."""
    lines = (MALFORMED / f"{table}.txt").read_text().splitlines()
    for word, meaning in WORDS.items():
        lines = [line.replace(word, meaning) for line in lines]
    changes = [line.removesuffix(" =>").partition(" => ") for line in lines[::2]]
    told = zip(changes, lines[1::2], strict=True)
    return [pytest.param(old, new, line.strip(), id=f"{table}-{n}") for n, ((old, _, new), line) in enumerate(told)]


SEARCHES = sorted(table.stem for table in MALFORMED.iterdir() if table.stem != "studies")


def changed(good: str, old: str, new: str) -> str:
    assert old in good, f"{old!r} is not in the good file"
    return good.replace(old, new, 1)


def test_the_good_files_are_good(ganarena, tmp_path):
    for command, text in {"search": GOOD, "study": STUDY}.items():
        (tmp_path / "tiny.yaml").write_text(text)
        assert ganarena(command, "tiny.yaml", "--dry-run", "--json").document["experiment"] == "tiny"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "change",
    ["search.grace=1280", "search.grace=2560", "budget.tick=2560", "stop=[]", "data=ring8"],
)
def test_what_lies_at_a_limit_is_still_good(ganarena, tmp_path, change):
    (tmp_path / "tiny.yaml").write_text(GOOD)
    assert ganarena("search", "tiny.yaml", "--set", change, "--dry-run").status == 0


def test_a_grid_has_no_more_combinations_than_a_machine_can_bear_or_a_limit(ganarena, tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.config.checks.search.MOST_CONTENDERS", 6)
    (tmp_path / "tiny.yaml").write_text(GOOD)

    def asked(widths: list[int], search: str) -> str:
        space = f"space={{latent: {{choice: [4, 8]}}, width: {{choice: {widths}}}}}"
        return ganarena("search", "tiny.yaml", "--set", space, "--set", f"search={search}", "--dry-run").err

    assert asked([4, 8, 16], "{sampler: grid}") == ""
    assert asked([4, 8, 16, 32], "{sampler: grid, contenders: 3}") == ""
    assert asked([4, 8, 16, 32], "{sampler: grid}") == (
        "ganarena: --set space: the grid has more than 6 combinations;"
        " take fewer values, or set search.contenders as an upper limit\n"
    )


@pytest.mark.parametrize(("old", "new", "sentence"), [case for table in SEARCHES for case in cases(table)])
def test_a_malformed_search_is_refused_with_file_line_and_key(refused, tmp_path, old, new, sentence):
    assert refused(changed(GOOD, old, new)) == f"ganarena: tiny.yaml:{sentence.replace('FOLDER', str(tmp_path))}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("search.pack=2", "--set search.pack: a trainer trains one contender at a time; leave it out"),
        ("search.scheduler=pbt", "--set search.scheduler: scheduler pbt copies what our own loop saves; a trainer keeps its own"),
        ("engine.accumulate=2", "--set engine.accumulate: engine: goes with a variant; somebody's own loop says itself how it computes"),
        ("variant=gan", "--set variant: goes with a variant, and trainer stands in place of one; leave one of them out"),
        ("generator={range: 0..1}", "--set generator: generator.range: points have no range, found '0..1'; leave it out"),
    ],
)  # fmt: skip
def test_a_trainer_is_refused_what_only_our_own_loop_can_do(refused, change, sentence):
    told = refused(changed(GOOD, "variant: gan", "trainer: os.path:join"), "--trust-code", "--set", change)
    assert told == f"ganarena: {sentence}"


@pytest.mark.parametrize(("old", "new", "sentence"), cases("studies"))
def test_a_malformed_study_is_refused_with_file_line_and_key(refused, old, new, sentence):
    assert refused(changed(STUDY, old, new), command="study") == f"ganarena: tiny.yaml:{sentence}"


@pytest.mark.parametrize(("content", "sentence"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_or_hostile_yaml_is_refused_and_runs_nothing(refused, content, sentence):
    assert refused(content) == f"ganarena: tiny.yaml{sentence}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("budget.images=many", "--set budget.images: expected an integer, found 'many'"),
        ("budget.tick=2561", "--set budget.tick: 2561 lies beyond the budget of 2560 images; lower the tick"),
        ("budget.images=128", "tiny.yaml:5: budget.tick: 1280 lies beyond the budget of 128 images; lower the tick"),
        ("budget={steps: 5, tick: 0}", "--set budget: budget.tick: expected at least 1, found 0"),
        ("pack=2", "--set pack: unknown key (did you mean 'space'?); there is search.pack"),
        ("budgte.images=5", "--set budgte.images: budgte: unknown key (did you mean 'budget'?)"),
        ("seeds=[1, 1]", "--set seeds: seeds.1: 1 stands twice; give each once"),
        ("seeds.0=1", "--set seeds.0: seeds holds a list, which has no key '0'"),
        ("hyperparameters.beta1=2", "--set hyperparameters.beta1: beta1 must be a finite number of at least 0 and below 1, but 2 came"),
        ("space.generator_lr.loguniform=[1, 0]", "--set space.generator_lr.loguniform: expected [low, high] with low < high, found [1, 0]"),
        ("space.generator_lr.choice=[1]", "tiny.yaml:9: space.generator_lr: expected one of choice, uniform, loguniform, randint, found choice and loguniform"),
        ("resources.cpus=4096", "--set resources.cpus: one trial asks for 4096, but this machine has CPUS; ask for less"),
        ("name=", "--set name: expected text, found nothing"),
        ("name=[", "--set name: not valid YAML: while parsing a flow node, expected the node content, but found '<stream end>'"),
        ("name=!!python/name:os.system x", "--set name: the tag !!python/name:os.system is refused; an experiment file holds plain values without tags"),
        ("name=x\n--- y", "--set name: expected one document, found a second"),
        ("name", "--set name: expected KEY=VALUE, for example --set budget.images=6400"),
        ("=3", "--set =3: expected KEY=VALUE, for example --set budget.images=6400"),
        ("budget..images=3", "--set budget..images=3: expected KEY=VALUE, for example --set budget.images=6400"),
    ],
)  # fmt: skip
def test_a_wrong_change_on_the_command_line_is_refused_by_its_key(refused, change, sentence):
    assert refused(GOOD, "--set", change) == f"ganarena: {sentence.replace('CPUS', WORDS['CPUS'])}"


@pytest.mark.parametrize(
    ("file", "reason"), [("nowhere.yaml", "No such file or directory"), (".", "Is a directory"), ("a/b", "No such file or directory")]
)  # fmt: skip
def test_a_file_that_is_none_is_refused(ganarena, tmp_path, file, reason):
    for command in ("search", "study"):
        answer = ganarena(command, file)
        assert (answer.status, answer.out) == (2, "")
        assert (
            answer.err.removeprefix("ganarena: ").strip()
            == f"{file}: cannot be read ({reason}); give the path of a YAML file"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("variant: gan", "variant: dcgan", "tiny.yaml:2: variant: dcgan cannot learn ring8: convolutions need images"),
        (
            "space:",
            "space:\n  variant: {choice: [gan, dcgan]}",
            "tiny.yaml:9: space.variant.choice.1: dcgan cannot learn ring8",
        ),
        ("samples: 100", "extractor: lenet", "tiny.yaml:7: evaluation.extractor: lenet cannot judge ring8"),
        (
            "[fd, modes]",
            "[fd, is]",
            "tiny.yaml:7: evaluation.metrics.1: 'is' needs class logits, which identity does not give",
        ),
        ("{name: ring8}", "{npz: tiny.npz}", "tiny.npz cannot be read as an .npz file of plain arrays"),
        ("{name: ring8}", "{name: mnist}", "tiny.yaml:3: data: data 'mnist' were expected"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_before_anything_starts(refused, tmp_path, old, new, said):
    (tmp_path / "tiny.npz").write_bytes(b"nothing")
    assert said in refused(changed(GOOD, old, new))


def test_a_study_tells_which_of_its_variants_cannot_learn_which_data(refused):
    told = refused(changed(STUDY, "[gan, wgan]", "[gan, dcgan]"), command="study")
    assert "tiny.yaml:3: study.variants.1: dcgan cannot learn ring8" in told


@pytest.mark.parametrize(("command", "other", "text"), [("search", "study", STUDY), ("study", "search", GOOD)])
def test_a_file_of_the_other_kind_names_its_command(refused, command, other, text):
    assert refused(text, command=command).endswith(f"run it by `ganarena {other} tiny.yaml`")
