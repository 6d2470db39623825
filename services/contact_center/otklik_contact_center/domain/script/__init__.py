"""Scripts of conversations: what they must contain, which is meant for a contact, what was done."""
