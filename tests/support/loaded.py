"""
The last that a fork server preloads: what is loaded is no garbage in any of its children.

A collection would touch every object, and so copy every page that a child shares with its server.
"""

import gc

gc.collect()
gc.freeze()
