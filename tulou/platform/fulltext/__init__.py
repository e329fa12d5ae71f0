"""Finding documents by words."""
