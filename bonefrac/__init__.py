"""Composition root of the platform: settings, faces, background work and the foundation apps."""
