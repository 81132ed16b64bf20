"""One module per command; what they do is in the modules that they call."""
