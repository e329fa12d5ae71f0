"""The outbox: facts written with the change they report, told to subscribers afterwards."""
