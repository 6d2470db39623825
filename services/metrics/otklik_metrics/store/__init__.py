"""Tables and statements of metrics."""
