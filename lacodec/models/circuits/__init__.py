"""Probabilistic circuits of small pictures: the value (`circuit`), and coding by it (`walk`)."""
