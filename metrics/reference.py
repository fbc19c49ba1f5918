"""The real side of every score: computed once, cached, read back without running code."""

import fcntl
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from torch import Tensor

from metrics.catalogue import VERSION, family
from metrics.errors import MetricsError, TooFewSamplesError, UnfitError
from metrics.features import Extractor, Features, Range, extract
from metrics.mixture import Mixture
from metrics.moments import Gaussian

Part = dict[str, Tensor]
Header = dict[str, str | int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """What scores read of the real samples, and what these were."""

    count: int
    extractor: str
    digest: str  # of the extractor: features of another one lie elsewhere
    parts: Mapping[str, Part] = field(repr=False)
    modes: Mixture | None = None  # the truth, where it is known

    def part(self, name: str) -> Part:
        """What one kind of score reads of the reals."""
        if name not in self.parts:
            raise UnfitError(f"this reference was built without its {name}; name all metrics when it is built")
        return self.parts[name]


def build(
    extractor: Extractor,
    samples: Tensor,
    *,
    range: Range,  # noqa: A002 - the word of the experiment file and the command line
    labels: Tensor | None = None,
    digest: str,
    split: str,
    metrics: Sequence[str],
    cache: Path | str | None = None,
    on_batch: Callable[[int], object] | None = None,
) -> Reference:
    """The reference of these real samples for these metrics; `digest` and `split` say which data they are.

    With a cache, what is there is read, and what is missing is computed by one process while others wait for it. It is
    a folder, or the URL of one that fsspec reads, such as `s3://bucket/cache`, where nobody waits for anybody.
    """
    if len(samples) < 2:
        raise TooFewSamplesError(f"a reference needs at least 2 real samples, but {split} has {len(samples)}")
    if labels is not None and len(labels) != len(samples):
        raise MetricsError(f"there are {len(samples)} real samples but {len(labels)} labels; give one label a sample")
    names = {part for name in metrics for part in family(name).parts}
    header: Header = {
        "version": VERSION,
        "data": digest,
        "split": split,
        "count": len(samples),
        "range": range,
        "extractor": extractor.name,
        "extractor_digest": extractor.digest,
        "resize": extractor.resize,
    }
    parts: dict[str, Part] = {}
    with _folder(cache) as (folder, elsewhere), _alone(folder, header):
        if folder:
            if elsewhere:
                elsewhere.fetch(_place(folder, header, name) for name in names)
            found = {name: _read(_place(folder, header, name), header) for name in names}
            parts = {name: held for name, held in found.items() if held is not None}
        if missing := sorted(names - parts.keys()):
            features = replace(extract(extractor, samples, range=range, on_batch=on_batch), labels=labels)
            parts |= {name: PARTS[name](features) for name in missing}
            if folder:
                for name in missing:
                    _write(_place(folder, header, name), parts[name], header)
                if elsewhere:
                    elsewhere.send(_place(folder, header, name) for name in missing)
    return Reference(count=len(samples), extractor=extractor.name, digest=extractor.digest, parts=parts)


def _gaussian(features: Features) -> Part:
    return vars(Gaussian.of(features.pooled))


def _neighbourhoods(features: Features) -> Part:
    from metrics.neighbours import Neighbourhoods

    return {"radii": Neighbourhoods.of(features.pooled).radii}


def _rows(features: Features) -> Part:
    return {"rows": features.pooled}


def _classes(features: Features) -> Part:
    if features.classes is None:
        raise UnfitError("the class of every real sample is needed; give labels, or use an extractor with logits")
    return {"classes": features.classes}


def _cubic(features: Features) -> Part:
    from metrics.kernel import cubic, within

    return {"within": within(features.pooled.double(), cubic).each.sum()}


def _gaussian_kernel(features: Features) -> Part:
    from metrics.kernel import bandwidth, gaussian, within

    width, rows = bandwidth(features.pooled), features.pooled.double()
    return {"bandwidth": width, "within": within(rows - rows.mean(0), partial(gaussian, bandwidth=width)).each.sum()}


def _apart(features: Features) -> Part:
    from metrics.collapse import apart

    return {"mean": apart(features.pooled).mean()}


PARTS: dict[str, Callable[[Features], Part]] = {
    "gaussian": _gaussian,
    "rows": _rows,
    "classes": _classes,
    "neighbourhoods": _neighbourhoods,
    "cubic": _cubic,
    "gaussian_kernel": _gaussian_kernel,
    "apart": _apart,
}


def _place(folder: Path, header: Header, part: str) -> Path:
    text = json.dumps(header, sort_keys=True)
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.{part}.safetensors"


def _read(path: Path, header: Header) -> Part | None:
    """What lies there, or None if it is absent, damaged or of something else: it is then made again."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            if json.loads((file.metadata() or {}).get("header", "null")) != header:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, json.JSONDecodeError):
        return None


def _write(path: Path, part: Part, header: Header) -> None:
    """Under a temporary name first: nobody ever reads half a file."""
    from safetensors.torch import save_file

    tensors = {name: tensor.cpu().contiguous() for name, tensor in part.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as scratch:
        save_file(tensors, Path(scratch) / path.name, metadata={"header": json.dumps(header)})
        (Path(scratch) / path.name).replace(path)


@dataclass(frozen=True)
class _Elsewhere:
    """A folder on another file system. One that cannot be reached costs the work of making what it holds, no more."""

    system: Any  # fsspec has no types
    root: str

    @classmethod
    def at(cls, url: str) -> Self:
        try:
            return cls(*import_module("fsspec.core").url_to_fs(url))
        except (ImportError, ValueError) as error:
            raise UnfitError(f"there is no reading {url}: {error}") from error

    def fetch(self, paths: Iterable[Path]) -> None:
        for path in paths:
            with suppress(OSError):
                self.system.get_file(f"{self.root}/{path.name}", str(path))

    def send(self, paths: Iterable[Path]) -> None:
        """Under another name first, as at home."""
        for path in paths:
            with suppress(OSError):
                target = f"{self.root}/{path.name}"
                self.system.makedirs(self.root, exist_ok=True)
                self.system.put_file(str(path), part := f"{target}.{uuid4().hex}")
                self.system.mv(part, target)


@contextmanager
def _folder(cache: Path | str | None) -> Iterator[tuple[Path | None, _Elsewhere | None]]:
    """Where references lie; of a URL, a folder to copy them to."""
    if not cache or "://" not in str(cache):
        yield Path(cache) / "references" if cache else None, None
        return
    with tempfile.TemporaryDirectory(prefix="references-") as scratch:
        yield Path(scratch), _Elsewhere.at(f"{cache}/references")


@contextmanager
def _alone(folder: Path | None, header: Header) -> Iterator[None]:
    """Two processes that want the same reference make it once; the second waits, and reads it."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with _place(folder, header, "lock").with_suffix("").open("w") as file:
        with suppress(OSError):  # a file system without locks: both compute it, and the last one to rename wins
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
