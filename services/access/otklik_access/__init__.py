"""Companies, branches, staff, roles, keys, calendars, policies and audit."""
