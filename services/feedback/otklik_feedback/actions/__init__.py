"""Use cases of feedback, each the owner of its transaction."""
