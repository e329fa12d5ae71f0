"""tulou (土楼): a whole machine-learning community hub in one process."""

__version__ = "0.1.0"
