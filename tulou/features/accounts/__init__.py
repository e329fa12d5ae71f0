"""Users and organizations' common ground: names, tokens, sessions."""
