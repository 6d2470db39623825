"""Tables of access, and queries that answer in values of the domain."""
