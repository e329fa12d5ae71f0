"""How much an account stores, and how much it may."""
