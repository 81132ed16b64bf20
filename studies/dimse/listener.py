"""Runs the listener: lets devices in that are known, stores what they send, stops when asked.

Logs name devices by their key, never what is in a data set; pynetdicom's own words are reduced to where they come
from, since they may quote values.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
import tempfile
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from pydicom.dataset import Dataset
from pynetdicom import _config, evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import A_ASSOCIATE

from studies.dimse import contexts, devices, storing
from studies.dimse.devices import Unrecognised
from studies.dimse.storing import Instance, Status, Visit
from studies.dimse.transport import PDU_BYTES, Messages, Server
from studies.intake import limits

#: PS3.8 9.3.4: result, source and reason of a rejection.
_UNKNOWN_CALLER: Final = (1, 1, 3)
_UNKNOWN_CALLED: Final = (1, 1, 7)
_TRY_LATER: Final = (2, 3, 1)
_GRACE_SECONDS: Final = 4.0
_HANDSHAKE_SECONDS: Final = 10
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how the listener is reached."""

    host: str
    port: int
    ae_title: str
    associations: int
    seconds: int
    certificate: str = ""
    key: str = ""
    client_authority: str = ""

    @classmethod
    def of_settings(cls) -> Place:
        """Return what the settings say."""
        return cls(
            host=settings.DICOM_HOST,
            port=settings.DICOM_PORT,
            ae_title=settings.DICOM_AE_TITLE,
            associations=settings.DICOM_ASSOCIATIONS,
            seconds=settings.DICOM_SECONDS,
            certificate=settings.DICOM_TLS_CERTIFICATE,
            key=settings.DICOM_TLS_KEY,
            client_authority=settings.DICOM_TLS_CLIENT_CA,
        )

    def server_context(self) -> ssl.SSLContext | None:
        """Return the TLS of the listener, None where it has no certificate.

        Raises:
            OSError: A file is missing or none of its kind.
        """
        if not self.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key or None)
        if self.client_authority:
            context.load_verify_locations(self.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Listener:
    """The running listener.

    Raises:
        OSError: The address cannot be used, or a TLS file cannot be read.
    """

    def __init__(self, place: Place, spool: Path) -> None:
        self._place = place
        quieten()
        entity = ApplicationEntity(place.ae_title)
        entity.maximum_associations = place.associations
        entity.maximum_pdu_size = PDU_BYTES
        entity.network_timeout = place.seconds
        entity.acse_timeout = entity.dimse_timeout = min(place.seconds, _HANDSHAKE_SECONDS)
        entity.supported_contexts = contexts.supported()
        self._entity = entity
        self._server = cast(
            Server,
            entity.make_server(
                (place.host, place.port),
                ssl_context=place.server_context(),
                evt_handlers=[
                    (evt.EVT_REQUESTED, self._admit),
                    (evt.EVT_ACCEPTED, self._note_accepted),
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_RELEASED, self._note_end, ["released"]),
                    (evt.EVT_ABORTED, self._note_end, ["aborted"]),
                ],
                server_class=Server,
                associations=place.associations,
            ),
        )
        _use_spool(spool)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="listener", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Accept connections from now on."""
        self._thread.start()
        log.info("listening", host=self._place.host, port=self.port, tls=bool(self._place.certificate))

    def stop(self) -> None:
        """Accept nothing more, let instances that are being stored be answered, and end all associations."""
        self._server.shutdown()
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._server.active_associations and time.monotonic() < deadline:
            for association in self._server.active_associations:
                if association._is_paused and not cast(Messages, association.dimse).message:
                    association.abort()
            time.sleep(0.05)
        for association in self._server.active_associations:
            association.abort(block=False)
        log.info("stopped", unfinished=len(self._server.active_associations))

    def _admit(self, event: evt.Event) -> None:
        """Reject a caller that nobody knows; note for whom a known one stores."""
        request = cast(A_ASSOCIATE, event.assoc.requestor.primitive)
        calling, called = (str(title).strip() for title in (request.calling_ae_title, request.called_ae_title))
        address = event.assoc.requestor.address
        if self._is_own_check(calling, called, address):
            event.assoc.acceptor.supported_contexts = [contexts.verification()]
            return
        messages = cast(Messages, event.assoc.dimse)
        try:
            device = devices.caller(calling=calling, called=called, address=address)
            messages.largest = limits.of(device.site).file_bytes
        except Unrecognised as unknown:
            self._reject(event, _UNKNOWN_CALLED if unknown.is_called_wrong else _UNKNOWN_CALLER, unknown.reason)
        except (DatabaseError, OSError) as error:
            self._reject(event, _TRY_LATER, type(error).__name__)
        else:
            messages.visit = Visit(device)
        finally:
            storing.give_back_connection()

    def _is_own_check(self, calling: str, called: str, address: str) -> bool:
        return calling == called == self._place.ae_title and ipaddress.ip_address(address).is_loopback

    def _reject(self, event: evt.Event, how: tuple[int, int, int], reason: str) -> None:
        log.warning("association_rejected", reason=reason, code="/".join(map(str, how)))
        event.assoc.acse.send_reject(*how)
        event.assoc.kill()

    def _note_accepted(self, event: evt.Event) -> None:
        visit = cast(Messages, event.assoc.dimse).visit
        refused = sorted({str(context.abstract_syntax) for context in event.assoc.rejected_contexts})
        if visit is not None:
            log.info("association_accepted", device=str(visit.device.pk), not_negotiated=refused)

    def _note_end(self, event: evt.Event, how: str) -> None:
        visit = cast(Messages, event.assoc.dimse).visit
        if visit is not None:
            counts = {"stored": visit.stored, "refused": visit.refused}
            log.info("association_over", device=str(visit.device.pk), how=how, **counts)

    def _store(self, event: evt.Event) -> Dataset:
        visit = cast(Messages, event.assoc.dimse).visit
        if visit is None:
            return _answer(Status.NOT_AUTHORISED, "Only verification is open to this caller")
        request = cast(C_STORE, event.request)
        if request._dataset_file is not None:
            request._dataset_file.close()
        instance = Instance(
            path=event.dataset_path,
            sop_class=str(request.AffectedSOPClassUID),
            sop_instance=str(request.AffectedSOPInstanceUID),
            is_deflated=str(event.context.transfer_syntax) == contexts.DEFLATED,
        )
        return _answer(*storing.store(visit, instance))


class _Reduced(logging.Handler):
    """Tells that a library complained and where, not what it quoted."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the place of a complaint."""
        log.warning("protocol", where=f"{record.module}:{record.lineno}", level=record.levelname)


def quieten() -> None:
    """Keep what libraries would say of data sets out of the logs; have instances received into files."""
    _config.LOG_HANDLER_LEVEL = "none"
    _config.STORE_RECV_CHUNKED_DATASET = True
    for name in ("pynetdicom", "pydicom"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_Reduced(logging.WARNING)], False
        logger.setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="pydicom")
    threading.excepthook = _note_death


def _note_death(death: threading.ExceptHookArgs) -> None:
    log.error("thread_died", error=death.exc_type.__name__)


def _use_spool(folder: Path) -> None:
    """Have instances received into a private folder, emptied of what a killed listener left."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    tempfile.tempdir = str(folder)


def _answer(status: Status, comment: str) -> Dataset:
    answer = Dataset()
    answer.Status = int(status)
    if comment:
        answer.ErrorComment = comment
    return answer
