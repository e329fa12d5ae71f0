"""The hosts of Spaces: who is let in, waking what sleeps, and passing the rest on to the application."""
