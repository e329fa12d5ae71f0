"""Stories: real programs against a running hub."""
