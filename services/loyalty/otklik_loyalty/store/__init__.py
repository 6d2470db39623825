"""Tables of loyalty, and the statements over them."""
