"""Tables of contact_center, and queries that answer in values of the domain."""
