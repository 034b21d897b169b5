"""Lines as templates and typed columns: efforts 1 to 6 of codec `log`."""
