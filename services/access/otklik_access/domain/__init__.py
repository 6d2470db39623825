"""Rules of access: pure."""
