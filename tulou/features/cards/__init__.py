"""What a card and file headers say, indexed."""
