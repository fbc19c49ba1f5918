"""What can be wrong with a request: every error says what was expected, what came, and the way out."""

from reprlib import repr as short


class MetricsError(ValueError):
    """The request cannot be scored; the message is one sentence for the person who made it."""


class UnknownNameError(MetricsError):
    """No metric or extractor has this name."""


class UnfitError(MetricsError):
    """The metric, the extractor and the data do not fit together."""


class RangeError(MetricsError):
    """The samples are not in the range, dtype or shape that they were declared to have."""


class NonFiniteError(MetricsError):
    """NaN or infinity, found before any linear algebra: there it would kill the process, not raise."""


class TooFewSamplesError(MetricsError):
    """Fewer samples than the metric is defined for."""


class WidthError(MetricsError):
    """Two sides that should lie in the same space have different widths."""


class WeightsError(MetricsError):
    """The weights of an extractor are missing, or are not the ones they should be."""


def expect(kind: type, value: object, wanted: str) -> None:
    """Refuse anything but a value of this kind; `wanted` says in words what is expected, and how one is made."""
    if not isinstance(value, kind):
        raise MetricsError(f"expected {wanted}, but {short(value)} came")
