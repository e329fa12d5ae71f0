"""The dataset viewer: rows, search, statistics and SQL over what was pushed."""
