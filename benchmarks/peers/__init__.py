"""Other programs, each in an environment of its own; their scripts run by its Python."""
