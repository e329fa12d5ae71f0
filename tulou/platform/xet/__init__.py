"""Xet storage: xorbs, their chunk tables, and files as terms over them."""
