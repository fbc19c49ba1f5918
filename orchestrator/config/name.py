"""The key `name`: one printable line, and the folder that it becomes."""

import re
from hashlib import sha256
from typing import Annotated

from pydantic import AfterValidator


def printable(name: str) -> str:
    """Return `name` if it is one printable line of 1 to 200 characters."""
    if not 1 <= len(name) <= 200 or not name.strip():
        raise ValueError("expected one printable line of 1 to 200 characters")
    if odd := [character for character in name if not character.isprintable()]:
        raise ValueError(f"expected one printable line, found the character U+{ord(odd[0]):04X}")
    return name


Name = Annotated[str, AfterValidator(printable)]


def folder_name(name: str) -> str:
    """Return a folder name for any experiment name: a readable slug and a digest that keeps different names apart."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "experiment"
    return f"{slug}-{sha256(name.encode()).hexdigest()[:8]}"
