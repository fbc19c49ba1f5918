"""The words of what is written: tags, their limits, and how MLflow names pictures."""

import re

SCHEMA = "2"
"""The layout of what is written; 1 knew neither pinned runs nor confirmed contenders."""
LONGEST_TAG, LONGEST_PARAM = 5000, 6000
"""In characters: what every database that MLflow runs on takes, and what MLflow makes of a longer param."""
DESCRIBED = "arena.described"
"""The tag of a run whose params and documents are all written."""
AUDITED = "arena.audited"
"""The tag of a contender that goes on although it would have been pruned, and why."""
FIRED = "arena.fired."
"""Begins the tags that hold why a rule fired, whether it acted or only observed."""
PINNED = "arena.pinned"
"""The tag of a contender whose checkpoints are kept, whatever is cleaned."""

PICTURE = re.compile(r"images/samples[+%]step[+%](\d+)[+%]")
"""How MLflow names the pictures of a series; older versions write another sign between the parts."""
SHOWN = "mlflow.loggedImages"
"""The tag by which MLflow's pages know that a run has pictures."""
