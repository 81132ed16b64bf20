"""Decodes what strangers handed in where it can do no harm: in a child process that is bounded and can be killed."""
