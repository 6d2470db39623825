"""The rules of metrics: pure, without input or output."""
