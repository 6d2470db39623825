"""How well words are read, on texts that people wrote, and how fast."""
