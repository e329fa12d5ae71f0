"""Measure the hub beside a peer in the same run, and say whether each bar is met."""
