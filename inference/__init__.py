"""Pixels and what models said about them. No table here has a person in it."""
