"""Programs of their own, on the standard library alone: what watches a run, and what connects to it."""
