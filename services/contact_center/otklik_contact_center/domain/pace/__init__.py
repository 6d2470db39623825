"""Pace programmes: by when a request is to come from step to step, and whether it does."""
