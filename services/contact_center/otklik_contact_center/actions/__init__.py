"""What the contact centre does: one function each, owner of its transaction."""
