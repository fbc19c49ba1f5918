"""Review: what the store of a home holds, asked by name or by run, as records, groups, curves and frames."""
