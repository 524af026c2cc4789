"""Mini tasks: small generated tasks in HEAR's exact format, for a study without downloads."""
