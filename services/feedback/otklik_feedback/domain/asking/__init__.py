"""Whom a company asks, when, and when it had better not: pure rules."""
