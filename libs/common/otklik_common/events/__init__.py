"""The contracts of the event log: what each service promises to say, and in which words."""
