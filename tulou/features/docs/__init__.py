"""Documentation: any repository with `docs` is a site, read at any revision, and the hub's own manual is one too."""
