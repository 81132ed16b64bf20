"""Asks a listener on this machine whether it answers: C-ECHO under the platform's own title, which stores nothing."""

from __future__ import annotations

import ssl

from pynetdicom.ae import ApplicationEntity

from studies.dimse.contexts import verification
from studies.dimse.listener import Place, quieten

_SECONDS = 5


def answers(place: Place) -> bool:
    """Return whether the listener accepts an association and answers C-ECHO with success."""
    quieten()
    entity = ApplicationEntity(place.ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = _SECONDS
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place.host, place.host)  # noqa: S104 asked, not bound
    association = entity.associate(
        host, place.port, contexts=[verification()], ae_title=place.ae_title, tls_args=_tls(place)
    )
    if not association.is_established:
        return False
    status = association.send_c_echo()
    association.release()
    return bool(status) and status.Status == 0


def _tls(place: Place) -> tuple[ssl.SSLContext, str] | None:
    """Return the TLS of the asking side: it asks itself, so its own certificate is shown and none is checked."""
    if not place.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(place.certificate, place.key or None)
    return context, place.host
