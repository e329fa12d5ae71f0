"""Git repositories: a node-local cache of packs, and quarantines that make new ones."""
