"""Pure rules: who is who, what was bought and brought back, what it earns, how points move."""
