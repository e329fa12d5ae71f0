"""Background work on a lease table."""
