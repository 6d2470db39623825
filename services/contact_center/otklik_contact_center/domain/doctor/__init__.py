"""PURE: how a source does, and when its silence is no chance any more."""
