"""Pages for those who run the hub. For everybody else they do not exist."""
