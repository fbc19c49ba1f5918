"""Data sets by name: `load("ring8")`, `load({"images": folder, "size": 64})`, `load({"npz": file})`."""

from .catalogue import DATASETS, load
from .dataset import Dataset, Finite, Modes, Split, Synthetic

__all__ = ["DATASETS", "Dataset", "Finite", "Modes", "Split", "Synthetic", "load"]
