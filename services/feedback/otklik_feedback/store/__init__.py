"""Tables and statements: rows in, domain values out."""
