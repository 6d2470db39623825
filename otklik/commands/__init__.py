"""A module a family of commands; whatever does the work is imported when one is called."""
