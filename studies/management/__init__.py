"""Commands of people's side."""
