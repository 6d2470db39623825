"""The rules of the contact centre: pure functions over events, contacts and rows of files."""
