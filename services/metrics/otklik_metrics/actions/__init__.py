"""Use cases of metrics."""
