"""Use cases of loyalty: each owns its transaction, and the facts it makes true leave in it."""
