"""Symmetric matrices in float64: products, factors and eigenvalues.

On a processor by SciPy's BLAS and LAPACK, if they are installed: for large matrices they take less time than torch's,
and no more for small ones; elsewhere by torch. Results lie column by column, as Fortran reads them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from metrics.errors import UnfitError

_ONE_AT_A_TIME = Lock()  # the limit is the whole process's, and each who leaves puts back what was there


def gram(rows: Tensor) -> Tensor:
    """rows rows' [N, N], of which the lower triangle counts: half of the work of a product."""
    if not _at_hand(rows):
        return rows @ rows.T
    from scipy.linalg.blas import dsyrk

    array, turned = (rows.numpy().T, True) if rows.is_contiguous() else (rows.numpy(), False)
    with _threads():
        return torch.from_numpy(dsyrk(1.0, array, trans=turned, lower=1))


def cholesky(matrix: Tensor) -> Tensor | None:
    """The lower triangular L with L L' = matrix, whose both triangles are there, or None if it is not definite."""
    if not _at_hand(matrix):
        factor, failed = torch.linalg.cholesky_ex(matrix)
        return None if failed else factor
    from scipy.linalg.lapack import dpotrf

    with _threads():
        array, failed = dpotrf(matrix.numpy().T, lower=1)
    return None if failed else torch.from_numpy(array)


def sandwich(factor: Tensor, matrix: Tensor) -> Tensor:
    """factor' matrix factor, of which the lower triangle counts; of the matrix both triangles are there.

    For a lower triangular factor it is less than half of the work.
    """
    if not _at_hand(factor) or not _triangular(factor):
        return factor.T @ (matrix @ factor)
    from scipy.linalg.lapack import dsygst

    with _threads():
        return torch.from_numpy(dsygst(matrix.numpy().T, factor.numpy(), itype=2, lower=1)[0])


def eigenvalues_(matrix: Tensor) -> Tensor:
    """In ascending order. Only the lower triangle is read, must be finite, and is written over."""
    if not _at_hand(matrix):
        values: Tensor = torch.linalg.eigvalsh(matrix)
        return values
    from scipy.linalg.lapack import dsterf, dsytrd, dsytrd_lwork

    room, _ = dsytrd_lwork(len(matrix), lower=1)
    with _threads():
        _, diagonal, beside, _, _ = dsytrd(matrix.numpy(), lower=1, lwork=int(room), overwrite_a=1)
        settled, failed = dsterf(diagonal, beside)
    if failed:
        raise UnfitError(f"{failed} of {len(matrix)} eigenvalues did not settle; scale the features, or choose others")
    return torch.from_numpy(settled)


def _at_hand(matrix: Tensor) -> bool:
    """Whether SciPy takes it: on a processor, and of more than one number."""
    return matrix.is_cpu and matrix.numel() > 1 and _installed()


@cache
def _installed() -> bool:
    return all(find_spec(name) is not None for name in ("scipy", "threadpoolctl"))


def _triangular(factor: Tensor) -> bool:
    from scipy.linalg import bandwidth

    return factor.shape[0] == factor.shape[1] and not bandwidth(factor.numpy())[1]


@contextmanager
def _threads() -> Iterator[None]:
    """SciPy's library has threads of its own: as many as torch's, for their number moves the last bits."""
    with _ONE_AT_A_TIME, _pools().limit(limits=torch.get_num_threads(), user_api="blas"):
        yield


@cache
def _pools() -> Any:
    import scipy.linalg  # noqa: F401 - its library has to be loaded to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
