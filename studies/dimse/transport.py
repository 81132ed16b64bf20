"""Bounded connections: how many there are, how long they may be silent, how much a message may hold.

pynetdicom speaks the protocol; what it leaves to luck is bounded here. A device that says nothing, that says it bit by
bit, that announces a gigantic message or never ends one loses its association, and nothing of an unfinished message
stays on the disk.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from pathlib import Path
from socketserver import BaseServer
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from studies.dimse.storing import Visit

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.pdu_primitives import P_DATA

#: What this side says it takes at once, in bytes, and what it bears from a sender that does not listen.
PDU_BYTES: Final = 262_144
LARGEST_PDU: Final = 1 << 20
#: Messages that a sender may have sent before it reads an answer; one is what was negotiated.
_UNANSWERED: Final = 2
#: Bytes of the elements beside the file that a site's limit is about.
_ALLOWANCE: Final = 65_536
#: Connections beyond the allowed associations that are told so instead of being cut off.
_WAITING_ROOM: Final = 8
log = structlog.get_logger(__name__)


class Connection(AssociationSocket):
    """A socket that reads in large pieces, and only what a message may announce, within a time."""

    def recv(self, nr_bytes: int) -> bytearray:
        """Return so many bytes, or fewer where the sender has closed.

        Raises:
            OSError: More was announced than is borne, or it came too slowly.
        """
        if nr_bytes > LARGEST_PDU:
            raise OSError(f"expected a PDU of at most {LARGEST_PDU} bytes; {nr_bytes} were announced")
        own = cast(socket.socket, self.socket)
        end = time.monotonic() + (own.gettimeout() or 0)
        buffer, read = bytearray(nr_bytes), 0
        view = memoryview(buffer)
        while read < nr_bytes:
            count = own.recv_into(view[read:])
            if not count:
                break
            read += count
            if read < nr_bytes and time.monotonic() > end:
                raise TimeoutError("the rest of a PDU did not come in time")
        view.release()
        del buffer[read:]
        return buffer


class Messages(DIMSEServiceProvider):
    """The messages of one association, bounded; ``visit`` is what the device has brought."""

    def __init__(self, association: Association) -> None:
        super().__init__(association)
        self.visit: Visit | None = None
        self.largest = 0  # bytes of one instance; 0 until the caller is known

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take a part of a message; end the association where it breaks a bound or makes no sense."""
        try:
            super().receive_primitive(primitive)
        except Exception as error:  # noqa: BLE001 whatever a hostile message does ends its association alone
            self._end(type(error).__name__)
            return
        if self._is_beyond_bounds():
            self._end("beyond_bounds")

    def forget(self) -> None:
        """Remove what messages that nobody will answer have left on the disk."""
        message = self.message
        self.message = None
        paths = [getattr(message, "_data_set_path", None)]
        if (file := getattr(message, "_data_set_file", None)) is not None:
            file.close()
        while not self.msg_queue.empty():
            request = self.msg_queue.get_nowait()[1]
            paths.append(getattr(request, "_dataset_path", None))
        for path in filter(None, paths):
            Path(path).unlink(missing_ok=True)

    def _is_beyond_bounds(self) -> bool:
        message = self.message
        if self.msg_queue.qsize() > _UNANSWERED:
            return True
        if message is None:
            return False
        file = getattr(message, "_data_set_file", None)
        held = message.encoded_command_set.tell()
        return bool(held > LARGEST_PDU or (file is not None and file.tell() > self.largest + _ALLOWANCE))

    def _end(self, reason: str) -> None:
        log.warning("association_ended", reason=reason)
        self.dul.event_queue.put("Evt19")  # an invalid PDU: the association is aborted


class Caller(RequestHandler):
    """One connection, from its first byte until its association is over."""

    def handle(self) -> None:
        """Run the association; leave nothing of it behind."""
        association = self._create_association()
        try:
            association.start()
            association.join()
        finally:
            association.dul.join(self.server.ae.acse_timeout)
            cast(Messages, association.dimse).forget()

    def _create_association(self) -> Association:
        association = super()._create_association()
        association.dimse = Messages(association)
        association.dul.event_queue.get_nowait()  # the plain socket's announcement; the one in its place makes its own
        association.dul.socket = Connection(association, client_socket=self.request)
        return association


class Server(ThreadedAssociationServer):
    """Accepts connections up to a bound; a TLS handshake is each connection's own affair."""

    request_queue_size = 64
    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: Any, associations: int, **options: Any) -> None:
        self._room = threading.BoundedSemaphore(associations + _WAITING_ROOM)
        super().__init__(*arguments, **options)
        self.RequestHandlerClass = Caller

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection; nothing is read from it here, so that nobody can hold up the others."""
        accepted, address = cast(socket.socket, self.socket).accept()
        accepted.settimeout(self.ae.network_timeout)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.ssl_context:
            accepted = self.ssl_context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        return accepted, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread, or close it where there are too many."""
        if not self._room.acquire(blocking=False):
            log.warning("connection_refused", reason="too_many")
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Shake hands where TLS is asked for, then run the association."""
        try:
            if isinstance(request, ssl.SSLSocket):
                request.do_handshake()
            super().process_request_thread(request, client_address)
        except OSError as error:
            log.warning("connection_refused", reason="no_handshake", error=type(error).__name__)
        finally:
            with contextlib.suppress(OSError):
                self.shutdown_request(request)
            self._room.release()

    def shutdown(self) -> None:
        """Accept nothing more and free the port."""
        BaseServer.shutdown(self)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 as the base class has it
        """Log a failure without what the device said."""
        log.exception("connection_failed")
