"""Recordings of calls: where they may be fetched from, and links that let somebody hear one."""
