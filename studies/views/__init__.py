"""The faces for people."""
