"""Finding repositories and people by words."""
