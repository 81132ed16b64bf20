"""Thin: parse, one verb, print."""
