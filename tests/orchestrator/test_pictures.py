"""Pictures of samples: every image and every point is where a person looks for it."""

import numpy as np
import pytest
import torch
from PIL import Image

from orchestrator import pictures


def shades(*values: float, channels: int = 1, side: int = 8) -> torch.Tensor:
    """Plain images [N, C, side, side] of these grey values."""
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, channels, side, side)


def looked_at(samples: torch.Tensor) -> np.ndarray:
    return np.asarray(pictures.grid(samples) if samples.dim() == 4 else pictures.scatter(samples))


@pytest.mark.parametrize(
    ("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (8, 1, 8), (9, 2, 8), (16, 2, 8), (64, 8, 8)]
)
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_images_stand_in_rows_of_eight_with_a_line_between_them(count, rows, columns, channels, mode):
    image = pictures.grid(shades(*[0.0] * count, channels=channels))
    width, height = 9 * columns - 1, 9 * rows - 1
    assert image.mode == mode
    assert image.width * height == image.height * width  # nothing is stretched
    assert image.width % width == 0
    assert max(image.size) >= pictures.SIDE


def test_images_are_read_from_left_to_right_and_from_top_to_bottom():
    order = torch.linspace(-1, 1, 9).tolist()
    image = looked_at(shades(*order))
    cell = image.shape[1] * 9 // 71
    first, second = cell // 2, cell // 2 + cell
    found = [int(image[first, column * cell + cell // 2]) for column in range(8)] + [int(image[second, first])]
    assert found == [round((value + 1) * 127.5) for value in order]


def test_values_beyond_the_range_are_cut_off_not_wrapped():
    image = looked_at(shades(-3.0, 3.0))
    assert (image[0, 0], image[0, -1]) == (0, 255)


def test_a_missing_image_leaves_its_place_dark():
    image = looked_at(shades(*[1.0] * 9))
    assert image[0, -1] == 255
    assert image[-1, -1] == 0


def test_points_lie_around_the_origin_with_the_second_coordinate_upwards():
    image = looked_at(torch.tensor([[1.0, 1.0], [-1.0, 0.0]]))
    rows, columns = np.nonzero(image < 128)
    half = image.shape[0] / 2
    right, left = columns > half, columns < half
    assert right.any()
    assert left.any()
    assert (rows[right] < half / 2).all()  # up on the right
    assert (abs(rows[left] - half) < half / 10).all()  # level on the left


def test_numbers_are_counted_in_bars_around_zero():
    random = torch.Generator().manual_seed(0)
    image = looked_at(4 + 0.1 * torch.randn(1000, 1, generator=random))
    _, columns = np.nonzero(image < 128)
    assert image.shape == (pictures.SIDE, pictures.SIDE)
    assert columns.min() > 0.75 * pictures.SIDE
    image = looked_at(torch.tensor([[-1.0], [1.0], [1.0]]))
    tall = (image < 128).sum(axis=0)
    assert tall[: pictures.SIDE // 2].max() * 2 == pytest.approx(tall[pictures.SIDE // 2 :].max(), abs=2)


@pytest.mark.parametrize(
    "points", [torch.zeros(3, 2), torch.full((3, 2), torch.nan), torch.zeros(3, 1), torch.zeros(0, 2)]
)
def test_points_without_a_spread_still_make_a_picture(points):
    assert looked_at(points).shape == (pictures.SIDE, pictures.SIDE)


def test_points_that_are_not_finite_are_left_out():
    points = torch.tensor([[1.0, 1.0], [torch.inf, 0.0], [torch.nan, 0.0]])
    assert np.array_equal(looked_at(points), looked_at(points[:1]))


def test_more_than_two_dimensions_are_seen_from_the_first_two():
    points = torch.tensor([[1.0, 0.5, -1.0], [-1.0, 0.2, 0.3]])
    assert np.array_equal(looked_at(points), looked_at(points[:, :2]))


@pytest.mark.parametrize(
    "samples", [torch.zeros(2, 3, 8, 8), torch.ones(5, 2), torch.ones(5, 1)], ids=["images", "points", "numbers"]
)
def test_what_is_saved_is_a_png_and_the_same_every_time(samples, tmp_path):
    for name in ("first.png", "second.png"):
        pictures.save(samples, tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    with Image.open(tmp_path / "first.png") as image:
        assert image.format == "PNG"


def test_samples_that_still_carry_gradients_can_be_drawn():
    assert looked_at(torch.zeros(2, 1, 8, 8, requires_grad=True)).any()


def test_with_reals_the_frame_is_theirs_and_a_sample_that_left_it_stands_at_its_edge():
    reals = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    image = np.asarray(pictures.scatter(torch.tensor([[0.0, 0.0], [9.0, 0.0]]), reals=reals))
    middle = image[pictures.SIDE // 2]
    assert (middle == pictures.SHADE).sum() == 2 * pictures.DOT  # the reals, left and right
    assert (np.nonzero(middle == pictures.INK)[0] >= pictures.SIDE // 2 - pictures.DOT).all()
    assert middle[-1] == pictures.INK
