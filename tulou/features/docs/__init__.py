"""Documentation sites rendered from repositories."""
