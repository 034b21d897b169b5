"""Training of probabilistic circuits: the tree (`tree`), first states (`start`), expectation maximisation (`em`)."""
