"""YAML 1.2 to plain values with places, to a model, to a schema that agrees with it."""

import math
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestrator.config import SearchExperiment, StudyExperiment, asked, load, schema
from orchestrator.config.document import parse, with_changes
from orchestrator.errors import RequestError

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
PLAIN = """\
name: tiny
data: ring8
variant: gan
budget: {steps: 20, tick: 10}
space:
  variant: {choice: [gan, wgan_gp]}
  generator_lr: {loguniform: [1e-4, 1]}
  penalty.weight: {choice: [1, 10.0], when: {variant: wgan_gp}}
search: {contenders: 2}
stop: [diverged, {plateaued: {patience: 0.3}}]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(PLAIN)
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1e4", 1e4),
        ("-2.5E+3", -2500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("012", 12),  # not octal
        ("0o14", 12),
        ("0xC", 12),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("1_000", "1_000"),
        ("1:30", "1:30"),  # not base 60
        ("no", "no"),
        ("Yes", "Yes"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("", None),
        ("null", None),
        ("nil", "nil"),
        ("2024-01-01", "2024-01-01"),
        ("1.2.3", "1.2.3"),
        ("e4", "e4"),
        ("\u0661", "\u0661"),  # a digit, but not one of YAML's
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12", "12"),
        ("<<", "<<"),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text, value):
    found = parse(f"key: {text}", source="f").value["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_float():
    assert math.isnan(parse("key: .NaN", source="f").value["key"])


def test_every_value_knows_its_line_and_what_has_none_that_of_its_parent():
    document = parse("a: 1\nb:\n  - c\n  - d:\n      e: 2\n'f.g': [\n 3,\n 4]\n", source="f")
    places = {
        (): "f:1",
        ("a",): "f:1",
        ("b",): "f:2",
        ("b", 0): "f:3",
        ("b", 1, "d", "e"): "f:5",
        ("b", 1, "d", "missing"): "f:4",
        ("f.g", 1): "f:8",
        ("nowhere", "at", "all"): "f:1",
    }
    assert {location: document.place(location) for location in places} == places


def test_an_alias_repeats_its_anchor():
    document = parse("a: &x {b: [1, &y two]}\nc: *x\nd: *y\n", source="f")
    assert document.value == {"a": {"b": [1, "two"]}, "c": {"b": [1, "two"]}, "d": "two"}


def test_a_byte_order_mark_and_foreign_line_ends_change_nothing(file):
    experiment = load(file)
    file.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert load(file) == experiment


def test_changes_reach_every_depth_and_leave_the_document_alone():
    document = parse(PLAIN, source="f")
    changes = {
        "budget.steps=40": (("budget", "steps"), 40),
        "evaluation.samples=50": (("evaluation", "samples"), 50),
        "hyperparameters.penalty.every=4": (("hyperparameters", "penalty.every"), 4),
        "space.penalty.weight.choice=[2]": (("space", "penalty.weight", "choice"), [2]),
        "space.batch={choice: [8]}": (("space", "batch"), {"choice": [8]}),
        "seeds=[1, 2]": (("seeds",), [1, 2]),
    }
    value = with_changes(document, changes).value
    for location, expected in changes.values():
        found = value
        for part in location:
            found = found[part]
        assert found == expected
    assert document.value == parse(PLAIN, source="f").value


def test_defaults_are_those_of_the_design(file):
    experiment = load(file)
    assert isinstance(experiment, SearchExperiment)
    assert (experiment.search.sampler, experiment.search.scheduler, experiment.search.seed) == ("random", "none", 0)
    assert (experiment.search.reduction, experiment.search.parallel, experiment.search.confirm) == (3, "auto", "none")
    assert (experiment.resources.cpus, experiment.resources.gpus) == (1, 0)
    assert experiment.evaluation.at_end == experiment.evaluation.samples
    assert load(file, ["stop=[]"]).stop == ()
    assert SearchExperiment(name="x", data="ring8", budget={"steps": 1, "tick": 1}).stop == ("diverged",)


def test_from_python_an_experiment_is_a_file_or_its_model(file):
    experiment = load(file)
    assert asked(SearchExperiment, file) == asked(SearchExperiment, str(file)) == experiment
    assert asked(SearchExperiment, experiment) == experiment
    for given, found in ((file, "SearchExperiment"), ({"name": "x"}, "dict"), (None, "NoneType")):
        with pytest.raises(RequestError, match=f"expected the path of an experiment file, or a .*, but {found} came"):
            asked(StudyExperiment, given)


def test_relative_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "mine.npz").touch()
    (folder / "weights.pth").touch()
    file = folder / "tiny.yaml"
    file.write_text(PLAIN.replace("ring8", "{npz: mine.npz}") + "evaluation: {weights: ./weights.pth}\n")
    monkeypatch.chdir(tmp_path)
    experiment = load(Path("inside/tiny.yaml"))
    assert experiment.data.npz == str(folder / "mine.npz")
    assert experiment.evaluation.weights == str(folder / "weights.pth")
    file.write_text("name: x\nbudget: {steps: 2, tick: 1}\nstudy: {variants: [gan], data: [ring8, {npz: mine.npz}]}\n")
    study = load(Path("inside/tiny.yaml"))
    assert [data.npz for data in study.study.data] == [None, str(folder / "mine.npz")]


def test_an_experiment_survives_the_way_through_its_record(file):
    experiment = load(file)
    recorded = experiment.model_dump(mode="json", exclude_none=True)
    assert SearchExperiment.model_validate(recorded).model_dump() == experiment.model_dump()


@pytest.mark.parametrize("file", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_experiment_that_is_shipped_can_be_read_and_fits_the_schema(file):
    assert isinstance(load(file), SearchExperiment | StudyExperiment)
    Draft202012Validator(schema()).validate(parse(file.read_text(), source=file.name).value)


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ("name=tiny", True),
        ("data={name: ring8, std: 0.2}", True),
        ("data={nam: ring8}", False),
        ("budget.steps=1.5", False),
        ("budget.steps=0", False),
        ("seeds=[]", False),
        ("evaluation.metrics=[]", False),
        ("space.generator_lr={loguniform: [1]}", False),
        ("space.generator_lr={lognormal: [1, 2]}", False),
        ("search.sampler=tpe", True),
        ("search.sampler=ax", False),
        ("search.metric=[fd, seconds]", True),
        ("search.metric=[]", False),
        ("search.parallel=3", True),
        ("stop=[{diverged: {}, plateaued: {}}]", False),
        ("banana=1", False),
    ],
)
def test_the_schema_says_what_the_reader_says(file, change, fits):
    document = with_changes(parse(PLAIN, source="f"), [change])
    assert Draft202012Validator(schema()).is_valid(document.value) == fits
    if fits:
        load(file, [change])
    else:
        with pytest.raises(RequestError):
            load(file, [change])


def test_the_schema_is_printed_as_one_json_document(ganarena):
    printed = ganarena("schema", "--json").document
    assert printed == schema()
    Draft202012Validator.check_schema(printed)
