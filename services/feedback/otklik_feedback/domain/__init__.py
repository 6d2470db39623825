"""Pure rules: what a survey asks, what an answer may say, when a customer needs a call."""
