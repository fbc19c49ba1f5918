"""Collapse told by the classes that an extractor names: a change of style is none, whatever the labels say."""

import math

import pytest
import torch
from torch import Tensor

from metrics import ClassDivergence, ClassSpread, ClassSureness, Features, Score, evaluate_features
from metrics.answers import class_jsd, perfect_class_jsd, sureness, width_of_classes
from metrics.errors import MetricsError, NonFiniteError, TooFewSamplesError, UnfitError
from metrics.reference import PARTS, Reference

CENTRES = 10 * torch.eye(4, 6)
FAMILIES = ["class_jsd", "class_spread", "class_sure"]


def named(classes: Tensor) -> Tensor:
    """Logits of an extractor that is sure of these classes [N, 4]."""
    return 20.0 * torch.nn.functional.one_hot(classes, 4)


def heaps(count: int, seed: int, *, spread: float = 1.0, held: int = 4) -> Features:
    random = torch.Generator().manual_seed(seed)
    classes = torch.randint(held, (count,), generator=random)
    return Features(CENTRES[classes] + spread * torch.randn(count, 6, generator=random), named(classes))


def known(real: Features) -> Reference:
    parts = {name: PARTS[name](real) for name in ("rows", "answers")}
    return Reference(count=real.count, extractor="lenet", digest="", parts=parts)


def judged(generated: Features, real: Features | None = None) -> dict[str, Score]:
    return evaluate_features(generated, known(real or heaps(800, 0)), FAMILIES).scores


@pytest.mark.parametrize("lost", [1, 2, 10])
def test_lost_classes_diverge_by_what_they_held(lost):
    real, generated = torch.arange(20), torch.arange(lost, 20)
    share = lost / 20
    kept, middle = 1 / (1 - share), (1 / (1 - share) + 1) / 2
    by_hand = (math.log(kept / middle) - (1 - share) * math.log(middle) + share * math.log(2)) / 2
    assert class_jsd(real, generated).item() == pytest.approx(by_hand)
    assert class_jsd(real, real).item() == 0


def test_a_class_that_no_real_has_is_a_divergence_and_no_infinity():
    assert class_jsd(torch.zeros(10).long(), torch.full((10,), 7)).item() == pytest.approx(math.log(2))


def test_classes_half_as_wide_have_the_closed_form_of_it():
    rows = torch.tensor([[-3.0, 1.0], [-3.0, -1.0], [3.0, 1.0], [3.0, -1.0]])
    classes = torch.tensor([0, 0, 1, 1])
    assert width_of_classes(rows, classes).item() == pytest.approx(math.sqrt(1 / 10))
    halved = rows * torch.tensor([1.0, 0.5])
    assert width_of_classes(halved, classes).item() == pytest.approx(math.sqrt(0.25 / 9.25))


def test_what_has_a_single_class_is_all_within_it_and_what_has_no_width_has_none():
    rows = heaps(50, 0).pooled
    assert width_of_classes(rows, torch.full((50,), 3)).item() == pytest.approx(1)
    assert width_of_classes(torch.ones(50, 6), torch.arange(50) % 2).item() == 0


@pytest.mark.parametrize(
    ("held", "count", "reals"), [([1, 1, 1, 1], 30, 200), ([97, 1, 1, 1], 200, 100), ([1, 2], 3000, 2000)]
)
def test_the_floor_of_lost_classes_is_what_a_perfect_sampler_gets(held, count, reals):
    random = torch.Generator().manual_seed(0)
    shares = torch.tensor(held).double() / sum(held)

    def drawn(number: int) -> Tensor:
        return torch.multinomial(shares, number, replacement=True, generator=random)

    found = torch.stack([class_jsd(drawn(reals), drawn(count)) for _ in range(2000)])
    real = torch.repeat_interleave(torch.arange(len(held)), (shares * reals).round().long())
    error = float(found.std()) / math.sqrt(len(found))
    assert perfect_class_jsd(real, count) == pytest.approx(float(found.mean()), abs=4 * error)


def test_the_floor_does_not_jump_where_its_first_order_takes_over():
    few, many = (perfect_class_jsd(torch.arange(4).repeat(number), 10 * number) for number in (500, 501))
    assert 500 * few == pytest.approx(501 * many, rel=1e-3)


@pytest.mark.parametrize(("scale", "shift"), [(0.2, 0.0), (0.2, 5.0), (3.0, 0.0)])
def test_features_that_are_all_paler_have_neither_lost_nor_narrowed_a_class(scale, shift):
    made = heaps(500, 1)
    plain, pale = judged(made), judged(Features(scale * made.pooled + shift, made.logits))
    assert {key: score.value for key, score in pale.items()} == pytest.approx(
        {key: score.value for key, score in plain.items()}, rel=1e-4
    )


def test_the_same_law_is_quiet_and_narrower_ones_are_seen_by_one_score_each():
    same, lost, narrow = (judged(made) for made in (heaps(500, 1), heaps(500, 1, held=3), heaps(500, 1, spread=0.5)))
    assert same["class_spread_lenet"].value == pytest.approx(1, abs=0.05)
    assert same["class_jsd_lenet"].value < 0.005
    assert lost["class_jsd_lenet"].value > 0.05
    assert lost["class_spread_lenet"].value > 0.95
    assert narrow["class_spread_lenet"].value == pytest.approx(0.5, abs=0.05)
    assert narrow["class_jsd_lenet"].value < 0.005


@pytest.mark.parametrize(("logit", "sure"), [(0.0, 0.0), (3.2, 0.0), (3.4, 1.0)])
def test_an_extractor_is_sure_from_a_probability_of_nine_in_ten(logit, sure):
    # exp(3.296) / (exp(3.296) + 3) is 0.9.
    assert sureness(torch.tensor([[logit, 0.0, 0.0, 0.0]] * 5)).item() == sure


def test_labels_change_no_answer():
    made = heaps(100, 1)
    labelled = Features(made.pooled, made.logits, labels=torch.zeros(100).long())
    assert judged(labelled) == judged(made)


@pytest.mark.parametrize("metric", [ClassDivergence, ClassSpread, ClassSureness])
def test_reals_that_stream_in_are_worth_a_finished_reference(metric):
    real, made = heaps(200, 0), heaps(150, 1)
    streamed, finished = metric(), metric(reference=known(real))
    for start in range(0, 200, 70):
        rows = slice(start, start + 70)
        streamed.update(Features(real.pooled[rows], real.logits[rows]), real=True)
    for judge in (streamed, finished):
        judge.update(made)
    assert streamed.compute() == finished.compute()


def by_class(made: Features) -> Features:
    order = made.logits.argmax(1).argsort()
    return Features(made.pooled[order], made.logits[order])


@pytest.mark.parametrize(("reals", "samples"), [(1200, 300), (300, 1200)])
def test_a_sample_that_comes_sorted_by_class_has_the_spread_of_a_shuffled_one(reals, samples):
    real, made = heaps(reals, 0), heaps(samples, 1)
    shuffled, sorted_ = judged(made, real), judged(by_class(made), by_class(real))
    assert sorted_["class_spread_lenet"].value == pytest.approx(shuffled["class_spread_lenet"].value, abs=0.03)


def test_as_many_of_each_side_are_held_against_each_other():
    # Around their own means few samples of many classes have less spread than many.
    rows = torch.randn(1000, 50, generator=torch.Generator().manual_seed(0))
    many = Features(rows, 20.0 * torch.nn.functional.one_hot(torch.arange(1000) % 40, 40))
    few = Features(many.pooled[:200], many.logits[:200])
    assert judged(few, many)["class_spread_lenet"].value == pytest.approx(1, abs=0.02)
    assert judged(many, few)["class_spread_lenet"].value == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    "rows",
    [torch.full((200, 6), 0.1), CENTRES.repeat(50, 1), CENTRES.repeat(50, 1) + 1e-9 * torch.rand(200, 6)],
    ids=["one point", "a point a class", "all but a point a class"],
)
def test_reals_without_a_spread_within_classes_are_nothing_to_hold_others_against(rows):
    constant = Features(rows, named(torch.arange(200) % 4))
    with pytest.raises(UnfitError, match="the reals have no spread within their classes"):
        judged(heaps(200, 1), constant)


def test_the_law_of_few_reals_of_many_classes_has_no_floor():
    def floors(classes: int) -> dict[str, float]:
        random = torch.Generator().manual_seed(0)
        real, made = (Features(torch.rand(500, 2), torch.randn(500, classes, generator=random)) for _ in range(2))
        return evaluate_features(made, known(real), ["class_jsd"]).floors

    assert floors(4)["class_jsd_lenet"] > 0
    assert not floors(400)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            lambda: Features(torch.rand(50, 6), torch.rand(50, 1)),
            "needs logits of two classes or more, but the extractor gives 1",
        ),
        (lambda: Features(torch.rand(50, 6), torch.rand(50, 9)), "has the width 9, but 4 is expected"),
        (lambda: Features(torch.rand(50, 5), torch.rand(50, 4)), "has the width 5, but 6 is expected"),
        (lambda: Features(torch.rand(50, 6), torch.rand(40, 4)), "features of 50 samples came with the logits of 40"),
        (
            lambda: Features(torch.rand(50, 6), labels=torch.zeros(40)),
            "features of 50 samples came with the labels of 40",
        ),
    ],
)
@pytest.mark.parametrize("metric", [ClassDivergence, ClassSpread, ClassSureness])
def test_answers_that_do_not_go_together_are_refused(metric, made, said):
    judge = metric()
    if "two classes" not in said:
        judge.update(heaps(200, 0), real=True)
    with pytest.raises(MetricsError, match=said):
        judge.update(made())


@pytest.mark.parametrize("metric", [ClassDivergence, ClassSpread])
def test_without_reals_there_is_nothing_to_diverge_from(metric):
    judge = metric()
    judge.update(heaps(200, 0))
    with pytest.raises(TooFewSamplesError, match="real samples, but there are 0"):
        judge.compute()


def test_features_whose_squares_no_number_holds_are_refused():
    with pytest.raises(NonFiniteError, match="the squares of the features"):
        width_of_classes(1e200 * torch.randn(200, 6, dtype=torch.float64), torch.arange(200) % 4)


@pytest.mark.parametrize(("reals", "samples", "side"), [(99, 100, "real"), (100, 99, "generated")])
def test_a_spread_within_classes_needs_a_hundred_samples_on_both_sides(reals, samples, side):
    with pytest.raises(TooFewSamplesError, match=f"ClassSpread needs at least 100 {side} samples, but there are 99"):
        judged(heaps(samples, 1), heaps(reals, 0))
    assert judged(heaps(100, 1), heaps(100, 0))


def test_one_class_instead_of_ten_widens_a_hundred_samples_by_five_per_cent():
    rows = torch.randn(100, 100, generator=torch.Generator().manual_seed(0))
    ratio = width_of_classes(rows, torch.zeros(100).long()) / width_of_classes(rows, torch.arange(100) % 10)
    assert ratio.item() == pytest.approx(math.sqrt(99 / 90), abs=0.005)


def test_features_without_logits_are_refused_and_leave_nothing_behind():
    metric, made = ClassSpread(), heaps(150, 1)
    for unfit in (
        torch.rand(10, 6),
        Features(torch.rand(10, 6)),
        Features(torch.rand(10, 6), torch.full((10, 4), math.nan)),
    ):
        with pytest.raises(MetricsError, match=r"needs class logits|NaN"):
            metric.update(unfit)
    metric.update(heaps(200, 0), real=True)
    metric.update(made)
    assert metric.compute().item() > 0
    assert len(metric.rows()) == len(metric.answers()) == 150
