"""What a Python package contains, read from its source text without running any of it."""
