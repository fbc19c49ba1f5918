"""Files that are there as a whole or not at all, whenever their writer is killed.

Who is killed without a word leaves the hidden unfinished file: the next writer of the same file
writes over it and takes it away, and until then nobody reads it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a name to write under; what lies there takes the place of `path` at the end, if nothing goes wrong."""
    unfinished = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
