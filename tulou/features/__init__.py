"""Meaning, sliced: each folder holds its types, rules, SQL and use-cases."""
