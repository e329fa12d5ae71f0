"""The tulou command."""
