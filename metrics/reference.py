"""The real side of every score, computed once: what each kind of score reads of the reals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from torch import Tensor

from metrics.cache import Header, Part, opened
from metrics.catalogue import VERSION, named
from metrics.errors import MetricsError, TooFewSamplesError, UnfitError, expect
from metrics.features import Extractor, Features, Range, extract
from metrics.mixture import Mixture
from metrics.moments import Gaussian


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
    expect(Extractor, extractor, "an extractor, such as metrics.features.load('lenet')")
    expect(Tensor, samples, "the real samples as a tensor")
    if len(samples) < 2:
        raise TooFewSamplesError(f"a reference needs at least 2 real samples, but {split} has {len(samples)}")
    if labels is not None and len(labels) != len(samples):
        raise MetricsError(f"there are {len(samples)} real samples but {len(labels)} labels; give one label a sample")
    names = {part for family in named(metrics) for part in family.parts}
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
    with opened(cache, header) as shelf:
        parts = shelf.read(names)
        if missing := sorted(names - parts.keys()):
            features = replace(extract(extractor, samples, range=range, on_batch=on_batch), labels=labels)
            made = {name: PARTS[name](features) for name in missing}
            shelf.write(made)
            parts |= made
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


def _answers(features: Features) -> Part:
    if features.logits is None:
        raise UnfitError("what the extractor takes a real sample for is needed; use one with logits")
    return {"classes": features.logits.argmax(1)}


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
    "answers": _answers,
    "neighbourhoods": _neighbourhoods,
    "cubic": _cubic,
    "gaussian_kernel": _gaussian_kernel,
    "apart": _apart,
}
