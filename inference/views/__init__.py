"""Pages of models, of what changes which of them serves, and of jobs that failed."""
