"""The engines of production, started from Python wheels where no address of a real one is configured.

PostgreSQL and Valkey run on Unix sockets in private folders below the data folder. They outlive the process that
started them when it is killed, and are then found and used again; the last process that leaves turns them off. This
package knows nothing of Django and does not migrate.
"""

from __future__ import annotations

from bonefrac.embedded.engines import Engines, Status, are_used, start, status, stop
from bonefrac.embedded.errors import EngineError
from bonefrac.embedded.places import Locations, database_settings, locations

__all__ = [
    "EngineError",
    "Engines",
    "Locations",
    "Status",
    "are_used",
    "database_settings",
    "locations",
    "start",
    "status",
    "stop",
]
