"""The pages about people, sites and sessions: each parses, calls one verb and renders."""
