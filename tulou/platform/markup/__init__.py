"""Text that people wrote, made into HTML that cannot do anything."""
