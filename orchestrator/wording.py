"""How numbers are written for people."""


def number(value: float) -> str:
    """Return four significant digits, without an exponent where a person would not write one."""
    return f"{value:.4g}" if value == 0 or 1e-4 <= abs(value) < 1e6 else f"{value:.2e}"


def scored(value: float, low: float | None, high: float | None) -> str:
    """Return a value with its interval: as plus-minus where it lies around the value, else as two ends."""
    if low is None or high is None:
        return number(value)
    half = (high - low) / 2
    if abs(value - (low + high) / 2) <= 1e-6 * max(half, 1e-12):
        return f"{number(value)} ± {half:.2g}"
    return f"{number(value)} [{number(low)}, {number(high)}]"
