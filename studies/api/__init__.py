"""The faces for programs."""
