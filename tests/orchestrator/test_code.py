"""Other people's code: opening a file that names it runs nothing of it, and trusting it puts it into the catalogues."""

import sys
from importlib.metadata import EntryPoint
from unittest.mock import MagicMock

import pytest

import gans
import metrics
from orchestrator import code
from orchestrator.code import Code, allowed, is_python
from orchestrator.config import load
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.search.planning import make_plan
from orchestrator.stopping import RULES
from orchestrator.trial import Brief, pursue, worker

THEIRS = '''
"""Somebody's parts of everything that a file can name."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

import gans
import metrics
from metrics.judge import Judge

Path(__file__).with_name("was imported").touch()


def small():
    """A small GAN."""
    return replace(gans.variant("gan"), name="small", batch=16)


def blobs():
    """Two points with noise."""
    draw = torch.Generator().manual_seed(0)
    samples = torch.randint(2, (300, 1), generator=draw) + 0.1 * torch.randn(300, 2, generator=draw)
    parts = dict(zip(("train", "select", "final"), samples.split(100)))
    return gans.data.Finite(name="blobs", splits={name: gans.data.Split(part) for name, part in parts.items()})


def doubled():
    """Everything twice as large."""
    return metrics.features.wrap(nn.Linear(2, 2), name="doubled", kind="points", digest="2")


class Middle(Judge):
    """How far the mean feature lies from the origin."""

    higher_is_better = False

    def __init__(self):
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")

    @classmethod
    def against(cls, reference, names):
        return cls()

    def update(self, features, *, real):
        self.total = self.total + features.pooled.mean().abs().float()

    def compute(self):
        return self.total

    def verdict(self, features):
        score = metrics.Score(value=float(self.compute()), higher_is_better=False)
        return metrics.Scores(scores={"middle": score})


middle = metrics.Family(
    name="middle", summary=Middle.__doc__, paper="", higher_is_better=False, needs="features",
    judge=f"{__name__}:Middle",
)
impostor = replace(middle, name="fid")


@dataclass(frozen=True)
class Bored:
    """It has seen enough."""

    after: int = 2
    needs = ()

    def __call__(self, history):
        return f"bored: {len(history)} ticks" if len(history) >= self.after else None


def train(config, watch):
    for step in range(1, 1000):
        if watch.tick(step, lambda n: config["scale"] * torch.randn(n, 2)):
            return
'''

PLAIN = {"variant": "gan", "data": "ring8", "stop": "[diverged]", "evaluation": "{samples: 50, metrics: [fd]}"}
NAMING = {
    "variant": {"variant": "theirs:small"},
    "choice": {"variant": None, "space": "{variant: {choice: [theirs:small, gan]}}"},
    "dataset": {"data": "{name: theirs:blobs}"},
    "extractor": {"evaluation": "{samples: 50, metrics: [fd], extractor: theirs:doubled}"},
    "metric": {"evaluation": "{samples: 50, metrics: [theirs:middle]}"},
    "rule": {"stop": "[{theirs:Bored: {after: 2}}]"},
    "trainer": {"variant": None, "trainer": "theirs:train", "hyperparameters": "{scale: 2}"},
}
"""For each kind, what a file says to name somebody's code."""


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A folder with somebody's module and a file that names a part of it; the catalogues are ours again afterwards."""
    catalogues = gans.VARIANTS, gans.data.DATASETS, metrics.EXTRACTORS, metrics.METRICS, RULES, code.TRAINERS
    for catalogue in catalogues:
        for name in [*catalogue]:
            monkeypatch.setitem(catalogue, name, catalogue[name])
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "theirs.py").write_text(THEIRS)

    def file(*naming: str):
        said = {"name": "x", "budget": "{steps: 30, tick: 10}", **PLAIN}
        for kind in naming:
            said |= NAMING[kind]
        path = tmp_path / "x.yaml"
        path.write_text("\n".join(f"{key}: {value}" for key, value in said.items() if value))
        return path

    yield file
    sys.modules.pop("theirs", None)
    for catalogue in catalogues:
        for name in [name for name in catalogue if is_python(name)]:
            del catalogue[name]


@pytest.mark.parametrize("kind", NAMING)
def test_opening_a_file_that_names_code_imports_nothing_and_names_the_option(ganarena, theirs, tmp_path, kind):
    command = ("search", theirs(kind), "--dry-run")
    refused = ganarena(*command)
    assert refused.status == 2
    assert "is Python code, and no installed package offers it" in refused.err
    assert "--trust-code" in refused.err
    assert refused.err.count("\n") == 1
    assert not (tmp_path / "was imported").exists()
    assert "theirs" not in sys.modules
    trusted = ganarena(*command, "--trust-code")
    assert trusted.status == 0, trusted.err
    assert (tmp_path / "was imported").exists()
    assert not (tmp_path / "home").exists()


def test_somebodys_parts_train_and_judge_together(theirs, tmp_path):
    asked = load(theirs("variant", "dataset", "extractor", "metric", "rule"), trust_code=True)
    plan = make_plan(asked, Home(tmp_path / "home"), "cpu", write=False)
    (contender,) = plan.contenders.values()
    told = []
    pursue(contender, Brief.of(plan, Home(tmp_path / "home")), lambda event, _: told.append(event))
    assert [event["step"] for event in told] == [10, 20]
    (replica,) = told[-1]["replicas"]
    assert (replica["status"], replica["reason"]) == ("stopped", "bored: 2 ticks")
    assert told[-1]["protocol"]["dataset"]["name"] == "blobs"
    assert plan.objective == "middle_identity"
    assert replica["final"]["scores"].keys() == {"middle_identity"}


def test_somebodys_features_name_their_scores(theirs, tmp_path):
    asked = load(theirs("trainer", "extractor"), trust_code=True)
    plan = make_plan(asked, Home(tmp_path / "home"), "cpu", write=False)
    (contender,) = plan.contenders.values()
    told = []
    pursue(contender, Brief.of(plan, Home(tmp_path / "home")), lambda event, _: told.append(event))
    assert plan.objective == "fd_doubled"
    assert contender.hyperparameters == {"scale": 2}
    assert told[-1]["replicas"][0]["final"]["scores"].keys() == {"fd_doubled"}


def test_what_an_installed_package_offers_needs_no_trust(theirs, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("small", "theirs:small", "ganarena.variants")
    monkeypatch.setattr(code, "entry_points", lambda group: [point] if group == point.group else [])
    assert load(theirs("variant")).code == Code((("variant", "theirs:small"),))
    assert gans.variant("theirs:small").batch == 16
    with pytest.raises(RequestError, match=r"x\.yaml:.*: trainer: 'theirs:train' is Python code"):
        load(theirs("trainer"))


def test_none_is_imported_if_one_of_several_is_not_trusted(theirs, tmp_path, monkeypatch):
    point = EntryPoint("small", "theirs:small", "ganarena.variants")
    monkeypatch.setattr(code, "entry_points", lambda group: [point] if group == point.group else [])
    with pytest.raises(RequestError, match="'theirs:middle' is Python code"):
        load(theirs("variant", "metric"))
    assert not (tmp_path / "was imported").exists()


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("variant", "nowhere:small", "there is no module 'nowhere'; install it, or put it beside the file"),
        ("variant", "theirs:large", "the module theirs has no 'large'"),
        ("variant", "theirs:train", "expected a function that returns a gans.Variant"),
        ("variant", "theirs:blobs", "expected a gans.Variant, but calling it gave Finite"),
        ("metric", "theirs:impostor", "'fid' is the name of a metric of the catalogue; give yours another"),
        ("rule", "theirs:small", "expected a frozen dataclass as orchestrator.stopping.Rule describes it"),
        ("trainer", "theirs:middle", r"expected a function train\(config, watch\), found Family"),
    ],
)
def test_what_is_not_what_it_should_be_is_told_in_one_sentence(theirs, tmp_path, kind, name, sentence):
    theirs()
    with pytest.raises(RequestError, match=sentence):
        allowed([(kind, name)], trusted=True, folder=tmp_path).load()


def test_a_module_that_cannot_be_imported_is_told_with_its_error(theirs, tmp_path):
    (tmp_path / "theirs.py").write_text("1 / 0")
    with pytest.raises(RequestError, match=r"importing theirs failed \(ZeroDivisionError: division by zero\)"):
        load(theirs("trainer"), trust_code=True)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"trainer": "train"}, r"trainer: expected package\.module:function, found 'train'"),
        ({"trainer": "theirs:train", "variant": "gan"}, "variant: goes with a variant, and trainer stands in place"),
        ({"trainer": "theirs:train", "space": "{variant: {choice: [gan]}}"}, r"space\.variant: goes with a variant"),
        ({"trainer": "theirs:train", "hyperparameters": "{seeds: 3}"}, "'seeds' is a name that every record has"),
        ({"variant": "gan", "generator": "{weights: averaged}"}, "generator: goes with a trainer"),
    ],
)
def test_a_trainer_stands_in_place_of_a_variant(theirs, tmp_path, changed, sentence):
    theirs()
    said = {"name": "x", "data": "ring8", "budget": "{steps: 30, tick: 10}"} | changed
    file = tmp_path / "y.yaml"
    file.write_text("\n".join(f"{key}: {value}" for key, value in said.items()))
    with pytest.raises(RequestError, match=sentence):
        load(file, trust_code=True)


def test_samples_of_somebodys_data_are_scored_on_trust(ganarena, theirs):
    theirs()
    asked = ("evaluate", "--real", "theirs:blobs:final", "--fake", "theirs:blobs:select", "--json")
    refused = ganarena(*asked)
    assert refused.status == 2
    assert "--trust-code" in refused.err
    document = ganarena(*asked, "--trust-code").document
    assert document["protocol"]["dataset"] == {**document["protocol"]["dataset"], "name": "blobs", "split": "final"}
    assert document["scores"]["fd_identity"]["value"] < 0.1


@pytest.mark.parametrize("name", ["gan", "ring8:train", "torchvision:resnet18", "a:b:c", "a.b", "1a:b", None, 3])
def test_names_of_the_catalogues_are_not_pythons(name):
    assert is_python(name) == (name == "ring8:train")


def test_a_worker_leaves_the_folder_that_the_driver_was_started_in_and_no_other(monkeypatch):
    worker.leave.cache_clear()
    monkeypatch.setattr(sys, "path", ["/here", "/bin", "/here"])
    for folder in ("/here", "/here", "/nowhere"):
        worker.leave(folder)
    assert sys.path == ["/bin", "/here"], "once: the other is an installation's own"


def test_a_trial_leaves_that_folder_before_it_trains(tmp_path, monkeypatch):
    (tmp_path / "x.yaml").write_text("{name: x, variant: gan, data: ring8, budget: {steps: 2, tick: 1}}")
    plan = make_plan(load(tmp_path / "x.yaml"), Home(tmp_path / "home"), "cpu", write=False)
    monkeypatch.chdir(tmp_path)
    brief, met = Brief.of(plan, Home(tmp_path / "home")), []
    worker.leave.cache_clear()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(worker, "back_off", lambda *_: met.append(list(sys.path)))
    monkeypatch.setattr(worker, "Messenger", MagicMock())
    worker.run({"contender": next(iter(plan.contenders))}, brief, plan.contenders, {}, {})
    assert str(tmp_path) not in met[0]
