"""Products, factors and eigenvalues of symmetric matrices: torch's plain ones, whatever the layout and the threads."""

import sys

import pytest
import torch
from threadpoolctl import threadpool_limits

from metrics import symmetric
from metrics.errors import UnfitError
from metrics.symmetric import cholesky, eigenvalues_, gram, sandwich


@pytest.fixture(params=["by SciPy", "by torch"], autouse=True)
def route(request, monkeypatch):
    if request.param == "by torch":
        monkeypatch.setattr(torch.Tensor, "is_cpu", False)


def drawn(height: int, width: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(height, width, generator=random, dtype=torch.float64)


LAYOUTS = {
    "by rows": lambda matrix: matrix.clone(memory_format=torch.contiguous_format),
    "by columns": lambda matrix: matrix.T.contiguous().T,
    "within a larger one": lambda matrix: torch.nn.functional.pad(matrix, (1, 2, 1, 2), value=7.0)[1:-2, 1:-2],
    "of every second row": lambda matrix: matrix.repeat_interleave(2, 0)[::2],
}


def right(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Below the diagonal and on it."""
    torch.testing.assert_close(found.tril(), expected.tril(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("width", [0, 1, 2, 9, 40])
@pytest.mark.parametrize("laid", LAYOUTS.values(), ids=LAYOUTS)
def test_a_matrix_of_any_size_and_layout_gives_what_plain_products_give_and_is_left_as_it_was(laid, width):
    rows, half, lower = laid(drawn(width, 13)), drawn(60, width, 1), laid(drawn(width, width, 2).tril())
    matrix = laid(half.T @ half)
    before = [given.clone() for given in (rows, lower, matrix)]
    root = cholesky(matrix)
    assert torch.equal(root, root.tril())
    right(root @ root.T, matrix)
    right(gram(rows), rows @ rows.T)
    right(sandwich(lower, matrix), lower.T @ matrix @ lower)
    assert all(map(torch.equal, (rows, lower, matrix), before))
    torch.testing.assert_close(eigenvalues_(matrix), torch.linalg.eigvalsh(before[2]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("width", [1, 2, 9])
def test_what_lies_above_the_diagonal_of_a_result_is_not_read_by_the_next(width):
    half = drawn(30, width)
    middle = sandwich(cholesky(half.T @ half), half.T @ half)
    hidden = middle + torch.full_like(middle, 1e6).triu(1)
    torch.testing.assert_close(eigenvalues_(hidden), torch.linalg.eigvalsh((half.T @ half) @ (half.T @ half)))


@pytest.mark.parametrize("shape", ["dead first row", "narrow", "of one column", "of none", "upper"])
def test_a_factor_that_is_not_triangular_is_not_taken_for_one(shape):
    half, factor = drawn(40, 9), drawn(9, 9, 1)
    if shape == "dead first row":  # of as many samples as dimensions: square, and its first feature is 0
        factor[0] = 0
    factor = {"narrow": factor[:, :4], "of one column": factor[:, :1], "of none": factor[:, :0]}.get(shape, factor)
    factor = factor.triu() if shape == "upper" else factor
    right(sandwich(factor, half.T @ half), factor.T @ half.T @ half @ factor)


def test_a_matrix_that_is_not_positive_definite_has_no_triangular_factor():
    assert cholesky(-torch.eye(3, dtype=torch.float64)) is None
    assert cholesky(torch.zeros(3, 3, dtype=torch.float64)) is None


@pytest.mark.parametrize("route", ["by SciPy"], indirect=True)
def test_eigenvalues_that_do_not_settle_are_told(route, monkeypatch):
    monkeypatch.setattr("scipy.linalg.lapack.dsterf", lambda diagonal, _beside: (diagonal, 1))
    with pytest.raises(UnfitError, match="1 of 2 eigenvalues did not settle"):
        eigenvalues_(torch.eye(2, dtype=torch.float64))


def test_the_threads_that_others_have_set_move_no_bit():
    half = drawn(400, 300)
    found = []
    for others in (1, 2):
        with threadpool_limits(others, user_api="blas"):
            matrix = gram(half.T)
            matrix = matrix.tril() + matrix.tril(-1).T
            root = cholesky(matrix)
            found.append([matrix, root, sandwich(root, matrix).tril(), eigenvalues_(matrix)])
    assert all(map(torch.equal, *found))


def test_where_scipy_is_not_installed_torch_does_the_work(monkeypatch):
    monkeypatch.setattr(symmetric, "find_spec", lambda _: None)
    for module in ("scipy", "scipy.linalg", "scipy.linalg.lapack", "scipy.linalg.blas"):
        monkeypatch.setitem(sys.modules, module, None)  # to import it fails
    symmetric._installed.cache_clear()
    half = drawn(30, 9)
    matrix = half.T @ half
    right(gram(half.T), matrix)
    right(sandwich(cholesky(matrix), matrix), torch.linalg.cholesky(matrix).T @ matrix @ torch.linalg.cholesky(matrix))
    torch.testing.assert_close(eigenvalues_(matrix.clone()), torch.linalg.eigvalsh(matrix))
    symmetric._installed.cache_clear()
