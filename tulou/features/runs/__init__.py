"""Runs: what the hub wants to be running, as rows, and the loop that makes it so."""
