"""What operators see of the whole hub, and do to it."""
