"""What every service stands on: event contracts, the log, the database, HTTP conventions."""
