"""One contender without Ray: the same trial, the same records, in this process."""
