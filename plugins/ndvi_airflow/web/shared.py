"""Answers that are the same for all are made once: who asks meanwhile waits for it, who asks later gets it as well.

An answer is known by its address and its ETag, which each request takes from the registry first, so nobody gets one
that is out of date. Rights are checked before that, as for any route.
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import NamedTuple

from fastapi import Request, Response
from sqlalchemy import Connection

MOST_BYTES = 64 * 2**20
"""Of all that is kept, compressed; what was asked for longest ago goes first."""
LEAST_COMPRESSED = 1024
LEVEL = 5
"""As Airflow compresses: more takes twice the time, and saves little."""


class _Answer(NamedTuple):
    headers: dict[str, str]
    body: bytes
    is_compressed: bool

    @classmethod
    def of(cls, response: Response, tag: dict[str, str]) -> "_Answer":
        headers = {name: value for name, value in response.headers.items() if name != "content-length"} | tag
        body = bytes(response.body)
        if len(body) < LEAST_COMPRESSED:
            return cls(headers, body, is_compressed=False)
        return cls(headers, gzip.compress(body, LEVEL, mtime=0), is_compressed=True)

    def to(self, request: Request) -> Response:
        """Return it as the client that asks takes it."""
        if not self.is_compressed:
            return Response(self.body, headers=self.headers)
        headers = {**self.headers, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Response(self.body, headers={**headers, "Content-Encoding": "gzip"})
        return Response(gzip.decompress(self.body), headers=headers)


class _Kept(NamedTuple):
    tag: dict[str, str]
    answer: Future[_Answer]


_kept: OrderedDict[str, _Kept] = OrderedDict()
"""By address, those that were asked for last at the end; the answer of a tag that is no more is gone with it."""
_changing = Lock()


def shared(request: Request, connection: Connection, tag: dict[str, str], make: Callable[[], Response]) -> Response:
    """Return the answer to a request, made now only if nobody has made it or is making it.

    Args:
        request: of which the address alone says what is asked for.
        connection: to the registry, given back before another one's answer is waited for.
        tag: the header ETag of the answer, of the moment that the connection sees.
        make: makes the rest of the answer, with the connection.
    """
    address = f"{request.url.path}?{request.url.query}"
    with _changing:
        known = _kept.get(address)
        is_new = known is None or known.tag != tag
        if known is None or is_new:
            known = _kept[address] = _Kept(tag, Future())
        _kept.move_to_end(address)
    if is_new:
        _make(address, known, make)
    else:
        connection.close()
    return known.answer.result().to(request)


def _make(address: str, new: _Kept, make: Callable[[], Response]) -> None:
    """Make the answer, for all who wait for it. If it cannot be made they hear why, and the next one tries again."""
    try:
        new.answer.set_result(_Answer.of(make(), new.tag))
    except BaseException as error:
        with _changing:
            if _kept.get(address) is new:
                del _kept[address]
        new.answer.set_exception(error)
    else:
        _forget_oldest()


def _forget_oldest() -> None:
    with _changing:
        sizes = {
            address: len(known.answer.result().body)
            for address, known in _kept.items()
            if known.answer.done() and known.answer.exception() is None
        }
        total = sum(sizes.values())
        for address, size in sizes.items():
            if total <= MOST_BYTES:
                break
            del _kept[address]
            total -= size
