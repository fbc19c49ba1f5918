"""What a score is called, and which name was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

# Under these names the literature reports what Inception's features give.
LITERATURE = {
    "fd": "fid",
    "fd_class": "fid_class",
    "fd_infinity": "fid_infinity",
    "is": "inception_score",
    "kd": "kid",
    "kd_subsets": "kid_subsets",
    "mifd": "mifid",
}


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown name: the nearest one, and all there are."""
    known = list(known)
    meant = get_close_matches(name, known, n=1)
    return (f"did you mean {meant[0]!r}? There" if meant else "there") + f" are {', '.join(known)}"
