"""The Hub's REST API."""
