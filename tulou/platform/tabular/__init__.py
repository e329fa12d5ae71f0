"""Tables in files: reading, searching and converting them, in child processes."""
