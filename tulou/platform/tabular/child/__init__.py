"""Programs that run apart from the hub, with the heavy libraries."""
