"""What the command line does, a module a family of commands; imported when one is called."""
