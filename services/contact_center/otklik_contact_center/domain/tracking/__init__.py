"""Tracked numbers: who is shown which number, and whose call it was."""
