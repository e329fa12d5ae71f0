"""Dialects: each translates a protocol into use-cases and holds no rule."""
