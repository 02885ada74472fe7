"""Programs that run inside a sandbox, by its own Python and with the standard library alone; never imported here."""
