"""`ganarena evaluate`: scores of samples from anywhere, and what cannot be scored is refused by its name."""

# ruff: noqa: E501  (a table reads better in long lines)

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gans
from metrics import Score
from orchestrator.errors import RequestError
from orchestrator.evaluating import evaluate
from orchestrator.evaluating.judgement import judge
from orchestrator.evaluating.sources import source
from orchestrator.sampling import write


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class Trap:
    """Whoever unpickles it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.fixture
def scored(ganarena, tmp_path):
    """Evaluate, and see to it that nothing is written."""

    def run(real: str, fake: str, *options: str) -> dict:
        there = sorted(tmp_path.iterdir())
        document = ganarena("evaluate", "--real", real, "--fake", fake, *options, "--json").document
        assert sorted(tmp_path.iterdir()) == there
        return document

    return run


@pytest.fixture
def refused(ganarena, tmp_path):
    """Ask for the impossible; return the sentence with which it is refused, before anything is written."""

    def run(real: str, fake: str, *options: str) -> str:
        there = sorted(tmp_path.iterdir())
        answer = ganarena("evaluate", "--real", real, "--fake", fake, *options)
        assert (answer.status, answer.out) == (2, "")
        assert answer.err.count("\n") == 1
        assert sorted(tmp_path.iterdir()) == there
        return answer.err.strip().removeprefix("ganarena: ")

    return run


@pytest.fixture
def clouds(tmp_path):
    """Two clouds of features in the plane."""
    np.save(tmp_path / "real.npy", normal(0, 500, 2))
    np.save(tmp_path / "fake.npy", 2 * normal(1, 400, 2) + 3)
    return tmp_path


@pytest.fixture
def images(tmp_path):
    """Two heaps of small pictures."""
    np.save(tmp_path / "real.npy", pixels(0, 30, 1, 4, 4))
    np.save(tmp_path / "fake.npy", pixels(1, 30, 1, 4, 4) // 2)
    return tmp_path


def frechet(real: np.ndarray, fake: np.ndarray) -> float:
    """The textbook's formula, through the eigenvalues of the product of both covariances."""
    mean = real.mean(0) - fake.mean(0)
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    shared = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0)).sum()
    return float(mean @ mean + np.trace(first) + np.trace(second) - 2 * shared)


def test_features_are_judged_as_they_are(scored, clouds):
    document = scored("real.npy", "fake.npy")
    real, fake = np.load(clouds / "real.npy"), np.load(clouds / "fake.npy")
    assert document["scores"].keys() == {"fd_identity"}
    assert document["scores"]["fd_identity"]["value"] == pytest.approx(frechet(real, fake), rel=1e-9)
    assert document["protocol"]["extractor"]["name"] == "identity"
    assert (document["protocol"]["reals"], document["protocol"]["generated"]) == (500, 400)


def test_features_are_never_rounded(scored, tmp_path):
    far = 1000 + normal(0, 300, 2)
    np.save(tmp_path / "real.npy", far)
    np.save(tmp_path / "fake.npy", far + 1e-5)  # single precision would not see it: at 1000 its steps are of 6e-5
    assert scored("real.npy", "fake.npy")["scores"]["fd_identity"]["value"] == pytest.approx(2e-10, rel=1e-3)


def test_the_same_samples_score_the_same_from_every_kind_of_file(scored, clouds):
    fake = np.load(clouds / "fake.npy")
    np.savez(clouds / "named.npz", other=fake[:1], samples=fake)
    np.savez_compressed(clouds / "bare.npz", fake)
    np.save(clouds / "swapped.npy", fake.astype(">f8"))
    torch.save(torch.from_numpy(fake), clouds / "tensor.pt")
    torch.save(torch.from_numpy(fake).requires_grad_(), clouds / "learning.pt")
    expected = scored("real.npy", "fake.npy")["scores"]
    for name in ("named.npz", "bare.npz", "swapped.npy", "tensor.pt", "learning.pt"):
        assert scored("real.npy", name)["scores"] == expected, name


def test_images_score_the_same_from_a_folder_and_from_arrays_of_either_layout(scored, tmp_path):
    heap = pixels(0, 20, 3, 4, 4)
    np.save(tmp_path / "real.npy", pixels(1, 25, 3, 4, 4))
    np.save(tmp_path / "first.npy", heap)
    np.savez(tmp_path / "last.npz", images=heap.transpose(0, 2, 3, 1))
    folder = tmp_path / "folder" / "inside"
    folder.mkdir(parents=True)
    for index, picture in enumerate(heap):
        Image.fromarray(picture.transpose(1, 2, 0)).save(folder / f"{index:02d}.png")
    (folder / "notes.txt").write_text("not a picture")
    expected = scored("real.npy", "first.npy", "--extractor", "identity")["scores"]
    for name in ("last.npz", "folder"):
        assert scored("real.npy", name, "--extractor", "identity")["scores"] == expected


def test_floating_images_are_rounded_to_the_grey_levels_that_they_mean(scored, images):
    fake = np.load(images / "fake.npy") / 255.0
    np.save(images / "unit.npy", fake)
    np.save(images / "tanh.npy", (2 * fake - 1).astype(np.float32))
    expected = scored("real.npy", "fake.npy", "--extractor", "identity")["scores"]
    for name, declared in (("unit.npy", "0..1"), ("tanh.npy", "-1..1")):
        assert scored("real.npy", name, "--extractor", "identity", "--range", declared)["scores"] == expected


def test_floating_images_must_say_which_range_they_have(refused, images):
    np.save(images / "unit.npy", np.load(images / "fake.npy") / 255.0)
    told = refused("real.npy", "unit.npy", "--extractor", "identity")
    assert told == "unit.npy: images that are not uint8 need their range; give --range 0..1 or --range -1..1"


def test_images_of_whole_numbers_other_than_bytes_are_told_what_they_are(refused, images):
    np.save(images / "deep.npy", np.load(images / "fake.npy").astype(np.uint16))
    told = refused("real.npy", "deep.npy", "--extractor", "identity")
    assert told == "deep.npy: expected images as uint8 or as floating-point numbers, found uint16; convert them"


def test_an_empty_word_is_not_the_working_directory(refused, clouds):
    assert refused("real.npy", "") == "expected a dataset's name, a folder or a file, found an empty word"


@pytest.mark.parametrize(("values", "declared"), [((-1, 1), "0..1"), ((0, 255), "0..1"), ((0, 255), "-1..1")])
def test_a_wrong_range_is_refused_by_the_side_that_has_it(refused, images, values, declared):
    low, high = values
    np.save(images / "wide.npy", np.linspace(low, high, 480).reshape(30, 1, 4, 4))
    told = refused("real.npy", "wide.npy", "--extractor", "identity", "--range", declared)
    assert told.startswith("wide.npy: ")
    assert f"reach from {low:g} to {high:g}" in told
    assert refused("wide.npy", "real.npy", "--extractor", "identity", "--range", declared).startswith("wide.npy: ")


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_by_the_side_that_has_it(refused, clouds, broken):
    fake = np.load(clouds / "fake.npy")
    fake[7, 1] = broken
    np.save(clouds / "broken.npy", fake)
    for sides in (("real.npy", "broken.npy"), ("broken.npy", "real.npy")):
        told = refused(*sides)
        assert told.startswith("broken.npy: ")
        assert "first in row 7" in told


def test_a_data_set_is_named_with_its_split(scored):
    document = scored("ring8", "ring8:select", "--samples", "300", "--metrics", "modes,high_quality,reverse_kl,fd")
    assert document["protocol"]["dataset"]["split"] == "final"
    assert document["protocol"]["generated_by"]["split"] == "select"
    assert document["scores"]["modes"]["value"] == 8
    assert document["scores"]["high_quality"]["value"] == pytest.approx(0.98889, abs=0.03)
    assert document["scores"].keys() == {"modes", "modes_1pct", "high_quality", "reverse_kl", "fd_identity"}


def test_a_collapsed_sampler_is_seen_from_its_file(scored, tmp_path):
    ring = gans.data.load("ring8").split("select", 1000)
    np.save(tmp_path / "few.npy", ring.samples[ring.labels < 2].numpy())
    scores = scored("ring8", "few.npy", "--metrics", "modes,reverse_kl")["scores"]
    assert scores["modes"]["value"] == 2
    assert scores["reverse_kl"]["value"] == pytest.approx(np.log(4), abs=0.02)


def test_classes_that_a_file_holds_are_those_of_its_samples(scored, tmp_path):
    digits = gans.data.load("mnist5k").split("select", 200)
    for name, labels in {"told": digits.labels, "wrong": (digits.labels + 1) % 10}.items():
        np.savez(tmp_path / f"{name}.npz", samples=digits.samples, labels=labels)
    asked = "--extractor", "lenet", "--metrics", "fd_class"
    told, wrong = (scored("mnist5k", f"{name}.npz", *asked)["scores"] for name in ("told", "wrong"))
    assert told["fd_class_lenet"]["value"] < wrong["fd_class_lenet"]["value"] / 2


def test_classes_that_are_none_are_refused(refused, tmp_path):
    for labels, said in (
        (np.zeros(7, np.int64), "should hold a label for each of 20 samples, but (7,) came"),
        (np.zeros(20), "should hold labels 0, 1, 2, ..., but float64 [20] came"),
    ):
        np.savez(tmp_path / "x.npz", samples=np.random.default_rng(0).normal(size=(20, 2)), labels=labels)
        assert refused("mnist5k", "x.npz", "--extractor", "lenet", "--metrics", "fd_class") == f"x.npz {said}"


def test_classes_that_nobody_reads_are_not_looked_at(scored, tmp_path):
    np.savez(tmp_path / "x.npz", samples=np.random.default_rng(0).normal(size=(20, 2)), labels=np.zeros((20, 1)))
    assert "fd_identity" in scored("ring8", "x.npz")["scores"]


def test_a_table_says_of_how_many_samples_it_is(ganarena, clouds):
    told = ganarena("evaluate", "--real", "real.npy", "--fake", "fake.npy").out
    assert "400 samples against 500 reals, identity features" in told


def test_what_is_not_finite_is_told_by_its_row(refused, tmp_path):
    points = np.zeros((3000, 2))
    points[2500, 1] = np.nan
    np.save(tmp_path / "broken.npy", points)
    assert "first in row " in (said := refused("ring8", "broken.npy"))
    assert "(row 2500 of all)" in said


def test_the_seed_alone_decides_which_samples_are_taken(scored, clouds):
    def taken(seed: int) -> dict:
        return scored("real.npy", "fake.npy", "--samples", "100", "--seed", str(seed))

    first = taken(3)
    torch.manual_seed(99)
    assert taken(3) == first
    assert taken(4)["scores"] != first["scores"]
    assert (first["protocol"]["reals"], first["protocol"]["generated"], first["protocol"]["seed"]) == (100, 100, 3)
    assert scored("real.npy", "fake.npy")["protocol"]["seed"] is None


def test_samples_are_taken_without_replacement_from_all_of_them(clouds):
    np.save(clouds / "count.npy", np.arange(20.0).reshape(10, 2))
    counted = source(str(clouds / "count.npy"))
    assert counted.take(None, 0) is counted
    for seed in range(5):
        rows = counted.take(10, seed).samples[:, 0].tolist()
        assert sorted(rows) == [2.0 * row for row in range(10)]
        assert rows != sorted(rows)


def test_classes_stay_with_their_samples():
    ring = source("ring8").take(50, 1)
    nearest = torch.cdist(ring.samples, ring.dataset.modes.centres).argmin(1)
    assert torch.equal(ring.labels, nearest)


def test_fewer_samples_than_dimensions_are_scored(scored, tmp_path):
    real, fake = normal(0, 8, 32), normal(1, 6, 32) + 1
    np.save(tmp_path / "real.npy", real)
    np.save(tmp_path / "fake.npy", fake)
    value = scored("real.npy", "fake.npy")["scores"]["fd_identity"]["value"]
    assert value == pytest.approx(frechet(real, fake), rel=1e-6)


def test_check_agrees_with_torchmetrics_and_moves_no_stream(scored, tmp_path):
    np.save(tmp_path / "real.npy", pixels(0, 120, 1, 28, 28))
    np.save(tmp_path / "fake.npy", pixels(1, 120, 1, 28, 28) // 3)
    before = torch.random.get_rng_state()
    document = scored("real.npy", "fake.npy", "--extractor", "lenet", "--metrics", "fd,is", "--check")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert document["check"].keys() == document["scores"].keys() == {"fd_lenet", "is_lenet"}
    for key, told in document["check"].items():
        value = document["scores"][key]["value"]
        assert told["difference"] == pytest.approx(value - told["torchmetrics"], abs=1e-12)
        assert abs(told["difference"]) < 1e-4 * value


def test_check_is_silent_about_scores_that_torchmetrics_does_not_have(scored):
    assert scored("ring8", "ring8:select", "--samples", "50", "--metrics", "modes", "--check")["check"] == {}


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_a_pickle_is_refused_without_being_run(refused, clouds, suffix):
    file, trace = clouds / f"trap{suffix}", clouds / "trace"
    trap = np.array([[Trap(trace)], [Trap(trace)]], dtype=object)
    if suffix == ".npy":
        np.save(file, trap, allow_pickle=True)
    elif suffix == ".npz":
        np.savez(file, samples=trap)
    else:
        torch.save([Trap(trace)], file)
    told = refused("real.npy", file.name)
    assert told.startswith(f"{file.name}: ")
    assert "rust" not in told  # nobody is told how to run it
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_a_bare_pickle_under_another_name_is_refused_without_being_run(refused, clouds, suffix):
    file, trace = clouds / f"trap{suffix}", clouds / "trace"
    file.write_bytes(pickle.dumps(Trap(trace)))
    told = refused("real.npy", file.name)
    assert told.startswith(f"{file.name}: ")
    assert "rust" not in told
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
@pytest.mark.parametrize("kept", [0, 10, 200, -10])
def test_a_truncated_file_is_refused(refused, clouds, suffix, kept):
    fake = np.load(clouds / "fake.npy")
    whole = io.BytesIO()
    if suffix == ".npy":
        np.save(whole, fake)
    elif suffix == ".npz":
        np.savez(whole, samples=fake)
    else:
        torch.save(torch.from_numpy(fake), whole)
    (clouds / f"torn{suffix}").write_bytes(whole.getvalue()[:kept])
    assert refused("real.npy", f"torn{suffix}").startswith(f"torn{suffix}: ")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (normal(0, 10), "odd.npy: expected features [N, D] or images [N, C, H, W], found shape (10,)"),
        (normal(0, 10, 4, 4), "odd.npy: expected features [N, D] or images [N, C, H, W], found shape (10, 4, 4)"),
        (normal(0, 1, 2), "odd.npy: expected at least 2 samples, found 1"),
        (normal(0, 0, 2), "odd.npy: expected at least 2 samples, found 0"),
        (np.array([["a", "b"]] * 3), "odd.npy: cannot be read as an array of samples (can't convert np.ndarray of type numpy.str_); save a plain array"),
        (normal(0, 5, 2) + 1j, "odd.npy: expected features as floating-point numbers, found complex128; convert them"),
        (np.arange(10).reshape(5, 2), "odd.npy: expected features as floating-point numbers, found int64; convert them"),
        (normal(0, 10, 3), "expected samples of one shape on both sides, found (2,) in real.npy and (3,) in odd.npy"),
        (pixels(0, 10, 1, 4, 4), "expected samples of one shape on both sides, found (2,) in real.npy and (1, 4, 4) in odd.npy"),
    ],
    ids=lambda value: None if isinstance(value, str) else f"{value.dtype.kind}{value.shape}",
)  # fmt: skip
def test_arrays_of_the_wrong_kind_are_refused(refused, clouds, array, said):
    np.save(clouds / "odd.npy", array)
    assert refused("real.npy", "odd.npy").startswith(said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--real", "nowhere.npy", "--fake", "fake.npy"], "nowhere.npy: there is no such file"),
        (["--real", "rign8", "--fake", "fake.npy"], "rign8: expected a dataset's name (did you mean 'ring8'?), a folder of images, or a file .npz, .npy, .pt"),
        (["--real", "ring8:test", "--fake", "fake.npy"], "there is no split 'test'"),
        (["--real", "notes.txt", "--fake", "fake.npy"], "notes.txt: expected a dataset's name, a folder"),
        (["--real", "empty", "--fake", "fake.npy"], "empty: expected image files"),
        (["--real", "real.npy", "--fake", "fake.npy", "--samples", "401"], "fake.npy holds 400 samples, but --samples asks for 401; lower it or add data"),
        (["--real", "real.npy", "--fake", "fake.npy", "--metrics", "fdd"], "there is no metric 'fdd'; did you mean 'fd'?"),
        (["--real", "real.npy", "--fake", "fake.npy", "--metrics", "is"], "'is' needs class logits, which identity does not give"),
        (["--real", "real.npy", "--fake", "fake.npy", "--metrics", "modes"], "'modes' needs data whose modes are known"),
        (["--real", "real.npy", "--fake", "fake.npy", "--extractor", "lenat"], "there is no extractor 'lenat'; did you mean 'lenet'?"),
        (["--real", "real.npy", "--fake", "fake.npy", "--extractor", "lenet"], "fake.npy: lenet reads grey images of 28 x 28 pixels"),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)  # fmt: skip
def test_what_cannot_be_scored_is_a_wrong_request(refused, clouds, options, said):
    (clouds / "notes.txt").write_text("nothing")
    (clouds / "empty").mkdir()
    _, real, _, fake, *more = options
    assert refused(real, fake, *more).startswith(said)


@pytest.mark.parametrize("held", [[1, 2], {"samples": torch.zeros(5, 2)}], ids=["list", "dict"])
def test_a_pt_file_holds_one_tensor(refused, clouds, held):
    torch.save(held, clouds / "held.pt")
    assert refused("real.npy", "held.pt") == f"held.pt: expected one dense tensor, found {type(held).__name__}"


def test_two_samples_are_enough_to_be_read(tmp_path):
    np.save(tmp_path / "two.npy", normal(0, 2, 3))
    assert source(str(tmp_path / "two.npy")).samples.shape == (2, 3)


def test_an_npz_without_samples_says_what_it_holds(refused, clouds):
    np.savez(clouds / "other.npz", first=normal(0, 5, 2), second=normal(0, 5, 2))
    told = refused("real.npy", "other.npz")
    assert told == "other.npz: expected an array called samples, found first, second; rename the array"
    with zipfile.ZipFile(clouds / "text.npz", "w") as file:
        file.writestr("samples.txt", "nothing")
    assert refused("real.npy", "text.npz").startswith("text.npz: expected an array called samples")


def test_a_folder_must_hold_images_of_one_size_that_can_be_read(refused, clouds):
    folder = clouds / "folder"
    folder.mkdir()
    Image.fromarray(pixels(0, 4, 4)).save(folder / "a.png")
    Image.fromarray(pixels(0, 4, 5)).save(folder / "b.png")
    assert refused("folder", "fake.npy") == (
        "folder: expected images of one size and colour, found (1, 4, 4) in a.png and (1, 4, 5) in b.png;"
        " convert them first"
    )
    Image.fromarray(pixels(0, 4, 4).astype(np.uint16)).save(folder / "b.png")
    assert refused("folder", "fake.npy").startswith("folder/b.png: expected 8 bits a channel")
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:50])
    assert refused("folder", "fake.npy") == "folder/b.png: not an image that can be read; remove or mend it"


def test_what_is_written_is_what_is_read_back(tmp_path):
    samples = torch.from_numpy(normal(0, 20, 2)).float()
    for name in ("drawn.npy", "drawn.npz"):
        write(samples, tmp_path / name)
        assert torch.equal(source(str(tmp_path / name)).samples, samples)
    write(samples, tmp_path / "drawn.png")
    with Image.open(tmp_path / "drawn.png") as image:
        assert image.format == "PNG"


@pytest.mark.parametrize(
    ("name", "writing"),
    [("a.npy", "numpy.save"), ("a.npz", "numpy.savez_compressed"), ("a.png", "orchestrator.pictures.save")],
)
def test_who_is_stopped_while_it_writes_samples_leaves_what_was_there(tmp_path, monkeypatch, name, writing):
    def stopped(*words: object, **named: object) -> None:
        next(each for each in words if isinstance(each, Path)).write_bytes(b"half")
        raise KeyboardInterrupt

    (tmp_path / name).write_bytes(b"whole")
    monkeypatch.setattr(writing, stopped)
    with pytest.raises(KeyboardInterrupt):
        write(torch.zeros(4, 2), tmp_path / name)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [(name, b"whole")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "-o", "x.txt"], "x.txt: expected a file that ends in .png, .npz, .npy"),
        (["nobody", "-o", "away/x.png"], "invalid value for '-o' / '--output': there is no folder away that may be"),
        (["nobody", "-o", "x.png"], "nothing is recorded in"),
    ],
    ids=lambda value: None if isinstance(value, str) else value[-1],
)
def test_samples_of_nobody_are_refused_and_leave_no_home(ganarena, tmp_path, arguments, said):
    answer = ganarena("sample", *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(f"ganarena: {said}")
    assert not list(tmp_path.iterdir())


def test_a_cache_is_used_where_there_is_one_and_for_data_sets_alone(clouds):
    cache = clouds / "cache"
    judge("ring8", "ring8:select", samples=50, cache=cache)
    assert not cache.exists()
    cache.mkdir()
    judge(str(clouds / "real.npy"), str(clouds / "fake.npy"), cache=cache)
    assert not list(cache.iterdir())
    first = judge("ring8", "ring8:select", samples=50, cache=cache)
    assert list(cache.iterdir())
    assert judge("ring8", "ring8:select", samples=50, cache=cache) == first
    assert judge("ring8", "ring8:select", samples=50, seed=1, cache=cache)["scores"] != first["scores"]


def test_python_gets_a_frame_with_a_row_for_each_score(clouds):
    frame = evaluate(str(clouds / "real.npy"), str(clouds / "fake.npy"), metrics=["fd", "coverage"])
    assert list(frame["score"]) == ["fd_identity", "coverage_identity"]
    assert list(frame.columns) == ["score", *Score.__dataclass_fields__]
    assert frame["value"].notna().all()


def test_python_may_give_paths_and_is_told_what_is_none(clouds):
    paths = evaluate(clouds / "real.npy", clouds / "fake.npy")
    assert paths.equals(evaluate(str(clouds / "real.npy"), str(clouds / "fake.npy")))
    for wrong in ({"real": None}, {"fake": torch.zeros(5, 2)}):
        with pytest.raises(RequestError, match=r"expected a dataset's name, a folder or a file \(metrics\.evaluate"):
            evaluate(**{"real": "ring8", "fake": "ring8", **wrong})
    with pytest.raises(RequestError, match=r"expected a list of metrics, such as \['fd'\], found 'fd'"):
        evaluate("ring8", "ring8", metrics="fd")


def test_people_get_a_table(ganarena, clouds):
    families = ["--metrics", "fd,precision,spread"]
    answer = ganarena("evaluate", "--real", "real.npy", "--fake", "fake.npy", "--check", *families)
    assert answer.status == 0
    told = {line.split()[0]: " ".join(line.split()) for line in answer.out.splitlines() if "_identity" in line}
    assert told["fd_identity"].endswith(" lower")
    assert told["precision_identity"].endswith(" higher")
    assert told["spread_identity"].endswith(" near 1 1"), "what a perfect sampler gets stands last"
    assert answer.out.splitlines()[0].endswith("perfect")
    assert "torchmetrics gives" in answer.out
