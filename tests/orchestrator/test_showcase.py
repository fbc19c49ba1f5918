"""What MLflow's own pages show of a search: a description, datasets, and its best generator in the registry."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import gans
import orchestrator
from orchestrator.home import Home
from orchestrator.recording import showcase
from orchestrator.recording.client import client
from orchestrator.recording.reading import read
from orchestrator.recording.recorder import Outbox, Recorder, flush
from orchestrator.review.store import groups
from orchestrator.review.winner import best
from orchestrator.wording import escaped
from tests.benchmarks.synthetic_store import Synthetic

STORY = Synthetic(contenders=3, replicas=3, ticks=2)


def record(home: Home, files: Path, story: Synthetic = STORY) -> None:
    """Tell a story whose last ticks bring generators, each with weights of its own."""
    recorder = Recorder(home, home.experiment(story.name) / "attempt-001")
    for number, event in enumerate(story.events()):
        folder = files / f"{story.name}-{number}"
        if event["kind"] == "tick" and event["replicas"][0]["final"]:
            for replica in event["replicas"]:
                generator(seed=10 * number + replica["seed"], folder=folder / f"generator_{replica['seed']}")
        recorder.append(event, folder if folder.exists() else None)
    assert recorder.close(timeout=60)


def generator(seed: int, folder: Path) -> gans.sampling.Generator:
    variant = gans.variant("gan", {"width": 4, "latent": 2, "batch": 4})
    (progress,) = gans.train(variant, gans.data.load("ring8"), gans.Budget(steps=1, tick=1), seeds=[seed])
    progress.replicas[0].save_generator(folder)
    return gans.load_generator(folder)


def shown(home: Home, name: str) -> str:
    return client(home).get_experiment_by_name(name).tags["mlflow.note.content"]


def test_the_description_is_the_leaderboard_and_the_best_comes_first(home, tmp_path):
    record(home, tmp_path)
    title, _, head, line, first, *others = shown(home, STORY.name).strip().splitlines()
    assert title == "### mnist5k · 1000 samples · 1000 reals · 2000 images · final checkpoint"
    assert head.startswith("| rank | contender | variant | fd_lenet (lower) |")
    ranked = [row.contender for group in groups(home) for row in group.rows]
    assert [each.split(" | ")[1] for each in (first, *others)] == ranked
    assert len({each.count("|") for each in (head, line, first, *others)}) == 1


def test_user_text_means_itself_in_the_description():
    assert escaped("a|b <script>\n[x](y) & c") == "a\\|b &lt;script> \\[x](y) &amp; c"


def test_the_best_generator_is_registered_once_and_loads_without_code(home, tmp_path, ganarena):
    record(home, tmp_path)
    winner = best(groups(home))["run_id"]
    loaded = orchestrator.load_generator("models:/synthetic@selected", home.path)
    assert torch.equal(loaded.sample(5), orchestrator.load_generator(winner, home.path).sample(5))
    (home.experiment(STORY.name) / "attempt-001" / "sent.json").unlink()  # all is sent a second time
    Outbox(home, home.experiment(STORY.name) / "attempt-001").open()
    flush(home)
    (version,) = client(home).search_model_versions("name = 'synthetic'")
    assert client(home).get_model_version_by_alias("synthetic", "selected").version == version.version
    place = f"{STORY.name}/{next(each.contender for each in read(home) if each.run_id == winner)}"
    assert torch.equal(loaded.sample(5), orchestrator.load_generator(place, home.path).sample(5))
    drawn = tmp_path / "drawn.npy"
    asked = ("sample", "models:/synthetic@selected", "-n", 5, "-o", drawn, "--home", home.path)
    assert ganarena(*asked).status == 0
    refused = ganarena("sample", "models:/synthetic@champion", "-o", drawn, "--home", home.path)
    assert refused.status == 2
    assert "there are models:/synthetic@selected" in refused.err


def test_only_what_was_confirmed_is_the_champion(home, tmp_path):
    record(home, tmp_path)
    ((group,), path) = groups(home), home.path
    row = replace(group.rows[1], confirmed=True, confirms="another")
    showcase.register(home, STORY.name, group, row)
    champion = orchestrator.load_generator("models:/synthetic@champion", path)
    assert torch.equal(champion.sample(3), orchestrator.load_generator(row.run_ids[0], path).sample(3))


def test_a_contender_names_its_data_with_their_digest_and_what_each_split_was_for(home, tmp_path):
    record(home, tmp_path)
    for found in read(home):
        run = client(home).get_run(found.run_id)
        told = {(each.dataset.name, each.dataset.digest, each.tags[0].value) for each in run.inputs.dataset_inputs}
        assert told == {(f"mnist5k:{split}", "0" * 12, split) for split in ("train", "select", "final")}


@pytest.mark.parametrize(
    ("name", "kept"), [("digits-losses", True), ("gan on ring8", True), ("a/b", False), ("a:b", False), ("it's", False)]
)
def test_a_model_is_named_like_its_experiment_unless_mlflow_would_read_it_otherwise(home, tmp_path, name, kept):
    assert (showcase.model_name(name) == name) is kept
    story = replace(STORY, name=name, contenders=1, replicas=1, ticks=1)
    record(home, tmp_path, story)
    assert orchestrator.load_generator(f"models:/{showcase.model_name(name)}@selected", home.path)


def test_a_description_ends_with_a_whole_row_where_a_tag_takes_no_more(home, tmp_path, monkeypatch):
    record(home, tmp_path)
    whole = showcase.description(groups(home))
    monkeypatch.setattr(showcase, "LONGEST", len(whole) - 3)
    assert whole.startswith(cut := showcase.description(groups(home)))
    assert cut.endswith("|")


def test_a_winner_that_lost_a_replica_is_not_registered(home, tmp_path):
    record(home, tmp_path)
    (group,) = groups(home)
    assert [row for _, row in showcase._winners([group])] == [group.rows[0]]
    torn = replace(group, rows=[replace(group.rows[0], complete=group.rows[0].replicas - 1), *group.rows[1:]])
    assert not list(showcase._winners([torn]))
