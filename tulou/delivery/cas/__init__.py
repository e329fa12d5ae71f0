"""The Xet content-addressed store's API."""
