"""People, sites and roles: who somebody is and where they work. What they may do with studies is decided above."""
