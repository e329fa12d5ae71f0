"""The only package that renames, links, unlinks or syncs files."""
