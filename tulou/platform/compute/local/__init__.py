"""Runs on this machine: one keeper process a run, bubblewrap, control groups; a run is a folder, and outlives the hub."""
