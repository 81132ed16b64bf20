"""Carrying out a configuration: what is frozen is computed once, what is open is trained, each round is kept."""
