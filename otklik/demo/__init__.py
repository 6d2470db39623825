"""A simulated estate agency, with planted truths that analytics must find: see docs/demo.md."""
