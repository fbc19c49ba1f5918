"""Signs of collapse without labels: quiet for the same law, loud for what was planted."""

import pytest
import torch
from torch import Tensor

from metrics import Copies, DifferentBins, Features, NearDuplicates, SpectrumRank, Spread, Support
from metrics.collapse import (
    apart,
    centres,
    copies,
    cut,
    different_bins,
    effective_rank,
    near_duplicates,
    two_shares,
)
from metrics.errors import NonFiniteError, TooFewSamplesError, UnfitError, WidthError
from metrics.reference import PARTS, Reference


def cloud(count: int, width: int, seed: int, *, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def heaps(count: int, seed: int, *, held: int = 8) -> Tensor:
    places = torch.randint(held, (count,), generator=torch.Generator().manual_seed(seed))
    return 10 * cloud(8, 4, 99)[places] + cloud(count, 4, 1000 + seed)


def test_as_many_near_duplicates_as_among_reals_are_found_in_the_same_law():
    found = [near_duplicates(cloud(400, 8, 2 * seed), cloud(400, 8, 2 * seed + 1))[0].item() for seed in range(20)]
    assert sum(found) / 20 == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("support", [50, 300])
def test_the_birthday_paradox_tells_how_many_points_there_are(support):
    points = cloud(support, 8, 5)
    drawn = points[torch.randint(support, (100,), generator=torch.Generator().manual_seed(0))]
    share, implied = near_duplicates(cloud(400, 8, 0), drawn)
    assert share > 0.1
    assert support / 3 < implied < 3 * support


def test_the_support_of_the_reals_is_its_ceiling():
    metric = Support()
    metric.update(cloud(400, 8, 0), real=True)
    metric.update(cloud(400, 8, 1))
    assert 4000 < float(metric.compute()) < 32_000  # (400 - 1) / 0.05 = 7980 on average


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_copies_are_found_at_any_scale_and_a_smaller_scale_is_none(scale):
    real, points = cloud(400, 8, 0), cloud(400, 8, 1, scale=scale)
    again = points[torch.randint(100, (400,), generator=torch.Generator().manual_seed(0))]
    assert copies(real, points).item() == pytest.approx(0.05, abs=0.035)
    assert copies(real, again).item() > 0.9
    assert copies(real, again + cloud(400, 8, 2, scale=0.01 * scale)).item() > 0.5


@pytest.mark.parametrize("count", [500, 2000, 4000])
def test_copies_are_found_however_many_there_are_of_each(count):
    points = cloud(50, 8, 1)[torch.arange(count) % 50]
    assert copies(cloud(2000, 8, 0), points + cloud(count, 8, 2, scale=0.01)).item() > 0.9


@pytest.mark.parametrize(("reals", "samples", "side"), [(20, 21, "real"), (21, 20, "generated")])
@pytest.mark.parametrize("finished", [True, False])
def test_without_a_twentieth_neighbour_copies_are_refused_on_either_side(reals, samples, side, finished):
    def judged(reals: int, samples: int) -> float:
        real = Features(cloud(reals, 4, 0))
        known = Reference(count=reals, extractor="identity", digest="", parts={"rows": PARTS["rows"](real)})
        metric = Copies(reference=known if finished else None)
        if not finished:
            metric.update(real, real=True)
        metric.update(cloud(samples, 4, 1))
        return float(metric.compute())

    assert 0 <= judged(21, 21) <= 1
    with pytest.raises(TooFewSamplesError, match=f"Copies needs at least 21 {side} samples, but there are 20"):
        judged(reals, samples)


@pytest.mark.parametrize("score", [copies, lambda *sides: near_duplicates(*sides)[0]])
def test_a_few_pairs_that_stand_together_count_for_no_more_than_few(score):
    twins = cloud(30, 8, 0)
    some = torch.cat([twins, twins + cloud(30, 8, 1, scale=0.001), cloud(1140, 8, 2)])
    # The first 400 alone hold 60 of them, 15 %: then nothing would be as near as 5 % of the reals are, or all would.
    assert 0.01 < score(some, cloud(400, 8, 3)).item() < 0.09
    assert 0.01 < score(cloud(400, 8, 3), some).item() < 0.09


def test_what_is_cut_keeps_the_same_rows_of_equally_long_tensors_and_all_where_nothing_is_cut():
    rows = torch.arange(900)
    kept = cut(rows, 300)
    assert len(kept.unique()) == 300
    assert torch.equal(cut(2 * rows, 300), 2 * kept)
    assert all((kept // 300).bincount(minlength=3) > 70)  # of each third
    assert torch.equal(cut(rows, 900), rows)


def test_the_mean_distance_is_that_of_all_pairs_wherever_they_lie():
    rows = cloud(30, 5, 0)
    expected = torch.cdist(rows.double(), rows.double()).sum(1) / 29
    torch.testing.assert_close(apart(rows + 1e4), expected, rtol=1e-3, atol=0)
    assert apart(torch.ones(10, 3)).tolist() == [0] * 10


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_halved_spread_is_half_and_a_doubled_one_double(scale):
    metric = Spread()
    metric.update(cloud(500, 4, 0), real=True)
    metric.update(cloud(500, 4, 1, scale=scale))
    assert float(metric.compute()) == pytest.approx(scale, rel=0.05)


@pytest.mark.parametrize("way", ["compute", "verdict"])
def test_reals_on_one_point_have_no_spread_to_hold_another_against(way):
    metric, features = Spread(), Features(cloud(50, 4, 0))
    metric.update(torch.ones(50, 4), real=True)
    metric.update(features)
    with pytest.raises(UnfitError, match=r"the reals all lie on one point.*; leave out spread"):
        metric.compute() if way == "compute" else metric.verdict(features)


@pytest.mark.parametrize("metric", [Copies, DifferentBins, NearDuplicates, Spread, SpectrumRank, Support])
def test_both_sides_must_be_as_wide(metric):
    judge = metric()
    judge.update(cloud(50, 6, 0), real=True)
    with pytest.raises(WidthError, match="has the width 5, but 6 is expected"):
        judge.update(cloud(50, 5, 0))


def test_bins_of_what_no_number_holds_the_squares_of_are_refused():
    with pytest.raises(NonFiniteError, match="the squares of the features"):
        centres(cloud(50, 4, 0).double() * 1e200, 4)


@pytest.mark.parametrize("rank", [1, 3, 6])
@pytest.mark.parametrize("count", [4, 2000])
def test_the_effective_rank_counts_equal_directions(rank, count):
    rows = torch.zeros(count, 6)
    rows[:, :rank] = cloud(count, rank, 0)
    assert effective_rank(rows).item() <= min(rank, count - 1) + 1e-9
    if count > 4:
        assert effective_rank(rows).item() == pytest.approx(rank, rel=0.01)


def test_k_means_finds_heaps_that_lie_apart_and_repeats():
    rows = heaps(400, 0)
    found = centres(rows, 8)
    assert torch.equal(found, centres(rows, 8))
    truth = 10 * cloud(8, 4, 99).double()
    assert torch.cdist(truth, found).amin(1).max() < 1
    assert len(centres(torch.ones(20, 2), 5)) == 1


def test_bins_of_the_same_law_differ_in_no_more_than_one_trial_of_twenty():
    chances = [different_bins(heaps(400, 2 * seed), heaps(400, 2 * seed + 1))[1].item() for seed in range(100)]
    assert sum(chance <= 0.05 for chance in chances) <= 11


def test_a_lost_heap_is_a_bin_that_differs():
    share, chance = different_bins(heaps(800, 0), heaps(800, 1, held=7))
    assert chance < 0.05
    assert 0 < share < 0.5
    metric = DifferentBins()
    metric.update(heaps(800, 0), real=True)
    metric.update(heaps(800, 1, held=7))
    assert metric.compute() == share


def test_two_shares_are_compared_as_the_textbook_does():
    hits, counts = torch.tensor([[30, 5], [50, 5]]), torch.tensor([100, 100])
    # z = (0.5 - 0.3 - 0.01) / sqrt(0.4 * 0.6 * 0.02) = 2.7424
    assert two_shares(hits, counts).tolist() == pytest.approx([0.00610, 1.0], rel=1e-2)
