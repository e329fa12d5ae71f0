"""The gate: who may do what with which repository."""
