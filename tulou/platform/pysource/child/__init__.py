"""The program that reads Python, in a process of its own: hostile source may crash a parser, or make it slow."""
