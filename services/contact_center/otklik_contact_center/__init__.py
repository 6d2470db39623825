"""Calls, chats and other contacts: intake, folding, SLA clocks, leads."""
