"""What an experiment must satisfy beyond the types of its keys: a module for each key, the whole of them in `whole`."""

from orchestrator.config.checks.refusals import located
from orchestrator.config.checks.whole import check

__all__ = ["check", "located"]
