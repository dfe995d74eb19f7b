"""What the shell's pages show of responses: why a draft was raised, and what lint says."""
