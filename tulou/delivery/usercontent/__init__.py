"""The origin where files of users may run, with nothing of the hub's within reach."""
