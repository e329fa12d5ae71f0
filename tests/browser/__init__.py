"""The website in a real Chromium."""
