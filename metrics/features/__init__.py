"""Samples to features, once, for every metric."""

from metrics.features.catalogue import EXTRACTORS, Entry, load
from metrics.features.extraction import Samples, extract
from metrics.features.extractor import Extractor, Features, Kind
from metrics.features.ranges import RANGES, Range, require_finite
from metrics.features.wrapped import wrap

__all__ = [
    "EXTRACTORS",
    "RANGES",
    "Entry",
    "Extractor",
    "Features",
    "Kind",
    "Range",
    "Samples",
    "extract",
    "load",
    "require_finite",
    "wrap",
]
