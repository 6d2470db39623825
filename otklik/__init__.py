"""The launcher and command line: the only package that imports services."""
