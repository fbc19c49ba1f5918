"""Symmetric matrices in float64: products, factors and eigenvalues, of and from the lower triangle.

On a processor by SciPy's BLAS and LAPACK, which take less time than torch's at every size; elsewhere by torch. Results
lie column by column, as Fortran reads them: what one function returns, the next takes without a copy.
"""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import torch
from torch import Tensor

from metrics.errors import UnfitError


def gram(rows: Tensor) -> Tensor:
    """rows rows' [N, N], the lower triangle: half of the work of a product."""
    if not _at_hand(rows):
        return rows @ rows.T
    from scipy.linalg.blas import dsyrk

    array, turned = (rows.numpy().T, True) if rows.is_contiguous() else (rows.numpy(), False)
    with _threads():
        return torch.from_numpy(dsyrk(1.0, array, trans=turned, lower=1))


def cholesky(matrix: Tensor) -> Tensor | None:
    """The lower triangular L with L L' = matrix, or None for one that is not positive definite."""
    if not _at_hand(matrix):
        factor, failed = torch.linalg.cholesky_ex(matrix)
        return None if failed else factor
    from scipy.linalg.lapack import dpotrf

    with _threads():
        array, failed = dpotrf(matrix.numpy().T, lower=1)
    return None if failed else torch.from_numpy(array)


def sandwich(factor: Tensor, matrix: Tensor) -> Tensor:
    """factor' matrix factor, the lower triangle: less than half of the work for a lower triangular factor."""
    if not _at_hand(factor) or not _triangular(factor):
        return factor.T @ (matrix @ factor)
    from scipy.linalg.lapack import dsygst

    with _threads():
        return torch.from_numpy(dsygst(matrix.numpy().T, factor.numpy(), itype=2, lower=1)[0])


def eigenvalues_(matrix: Tensor) -> Tensor:
    """In ascending order; only the lower triangle is read, must be finite, and is worked in: a copy costs a fifth."""
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
    return matrix.is_cpu and matrix.numel() > 1


def _triangular(factor: Tensor) -> bool:
    from scipy.linalg import bandwidth

    return factor.shape[0] == factor.shape[1] and not bandwidth(factor.numpy())[1]


def _threads() -> AbstractContextManager[Any]:
    """SciPy's library has threads of its own: as many as torch's, for their number moves the last bits."""
    limit: AbstractContextManager[Any] = _pools().limit(limits=torch.get_num_threads(), user_api="blas")
    return limit


@cache
def _pools() -> Any:
    import scipy.linalg  # noqa: F401 - its library has to be loaded to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
