"""How numbers, errors and the words of others are written for people."""

REASON = 1000
"""How many signs of an error a failure is recorded with."""


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


def one_line(error: BaseException, most: int = 200) -> str:
    """Return what an error says, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:most]}".rstrip(": ")


def escaped(text: str) -> str:
    """Return user text that means itself in a cell of a Markdown table."""
    for sign, instead in (("\\", "\\\\"), ("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("[", "\\[")):
        text = text.replace(sign, instead)
    return " ".join(text.splitlines())


def inert(text: str) -> str:
    """Return user text that a spreadsheet takes for no formula; a number stays one."""
    if not text.startswith(("=", "+", "-", "@", "\t", "\r")):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
