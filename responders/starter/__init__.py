"""Issue files to start from: written by us, for five common causes, to be changed by you."""
