"""Jobs: a command, an image, a flavour; now or on a schedule."""
