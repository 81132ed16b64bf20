"""What is raised where a folder is no artifact."""

from __future__ import annotations


class ArtifactError(ValueError):
    """The folder is not what it claims to be; the message names the file, the expected and the received."""
