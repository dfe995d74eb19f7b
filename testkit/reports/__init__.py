"""What people read: sentences, contexts and templates. Numbers come in, nothing is computed."""
