"""What is in a repository: the one write path, and every way to read."""
