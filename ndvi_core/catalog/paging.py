"""All items of a STAC item search, or an error: a search that was cut short must not look like one that found little.

pystac-client (0.9) ends a search at the first empty page, follows a `next` link that leads nowhere new for ever, and
takes any JSON for a page (stac-utils/pystac-client issues 334, 338 and 617).
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.support.json_api import api_errors

if TYPE_CHECKING:
    from pystac_client.stac_api_io import StacApiIO

MAX_EMPTY_PAGES = 20
"""Empty pages in a row, each with a link to a next one, after which an API is taken to lead nowhere."""

_SHOWN_CHARACTERS = 200
"""Of an answer, in messages."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageRequest:
    """A request for one page of a search."""

    url: str
    method: str = "POST"
    """`POST`, with `parameters` as its JSON body, or `GET`, with them in the query."""
    parameters: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] | None = None

    @property
    def identity(self) -> str:
        """What two requests have in common that get the same page."""
        return json.dumps([self.url, self.method, self.parameters, self.headers], sort_keys=True)


@dataclass(frozen=True)
class _Page:
    """A page as the API gave it, checked."""

    request: PageRequest
    items: dict[str, dict[str, Any]]
    """By id."""
    matched: int | None
    """Items of the whole search; None where the API does not say."""
    following: PageRequest | None


def all_items(api: "StacApiIO", first: PageRequest, advice: str) -> list[dict[str, Any]]:
    """Return the items of all pages, each id once, in the order in which they came.

    Args:
        api: makes the requests.
        first: the request for the first page.
        advice: what to check if the API refuses the search.

    Raises:
        TryAgain: an answer is not a page of items, or fewer items came than the API says there are.
        BadInput: the API refuses the search, or its pages lead round in a circle.
    """
    items: dict[str, dict[str, Any]] = {}
    matched = None
    for page in _pages(api, first, advice):
        repeats = bool(page.items) and page.items.keys() <= items.keys()
        items |= page.items
        matched = page.matched if page.matched is not None else matched
        if repeats and page.following is not None:
            if matched is not None and len(items) >= matched:
                _log.warning("%s: its last page leads to a next one; all %d items have come", first.url, matched)
                break
            raise _circle(page.following)
    if matched is not None and len(items) < matched:
        raise TryAgain(f"{first.url} says that {matched} items match, but gave {len(items)}")
    return list(items.values())


def _pages(api: "StacApiIO", first: PageRequest, advice: str) -> Iterator[_Page]:
    asked: set[str] = set()
    empty = 0
    request: PageRequest | None = first
    while request is not None:
        if request.identity in asked or empty > MAX_EMPTY_PAGES:
            raise _circle(request)
        asked.add(request.identity)
        page = _read(api, request, advice)
        empty = 0 if page.items else empty + 1
        yield page
        request = page.following


def _circle(request: PageRequest) -> BadInput:
    return BadInput(
        f"the pages of {request.url} lead round in a circle, so that it cannot be known whether all items have come: "
        "report it to the catalogue's operators, or set STAC_API_URL to another catalogue"
    )


def _read(api: "StacApiIO", request: PageRequest, advice: str) -> _Page:
    with api_errors(request.url, advice):
        text = api.request(request.url, request.method, request.headers, request.parameters)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    features = content.get("features") if isinstance(content, dict) else None
    if (
        not isinstance(content, dict)
        or content.get("type") != "FeatureCollection"
        or not isinstance(features, list)
        or not all(isinstance(item, dict) for item in features)
    ):
        raise TryAgain(f"{request.url} does not answer with a page of items but with {_shown(text)}")
    return _Page(
        request=request,
        items={str(item.get("id")): item for item in features},
        matched=_matched(content),
        following=_following(content, request),
    )


def _matched(content: dict[str, Any]) -> int | None:
    """Return how many items match: `numberMatched` of OGC API Features, or the context extension's `matched`."""
    context = content.get("context")
    for found in (content.get("numberMatched"), context.get("matched") if isinstance(context, dict) else None):
        if isinstance(found, int) and not isinstance(found, bool):
            return found
    return None


def _following(content: dict[str, Any], request: PageRequest) -> PageRequest | None:
    """Return the request for the next page (STAC API, item search, "Pagination"); None after the last."""
    for link in links_of(content, "next"):
        method, body, headers = str(link.get("method") or "GET").upper(), link.get("body") or {}, link.get("headers")
        try:
            url = urljoin(request.url, link["href"])
        except ValueError as error:
            raise _leads_nowhere(request, f"its address is {_shown(link['href'])}") from error
        if not isinstance(headers, dict | None) or not isinstance(body, dict):
            raise _leads_nowhere(request, "its headers and its body have to be JSON objects")
        if method != "POST":
            return PageRequest(url, method, headers=headers)  # the query is in the link
        return PageRequest(url, method, {**(request.parameters if link.get("merge") else {}), **body}, headers)
    return None


def links_of(content: object, relation: str) -> Iterator[dict[str, Any]]:
    """Yield the links of an answer that are of one relation and lead to somewhere."""
    links = content.get("links") if isinstance(content, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == relation and isinstance(link.get("href"), str):
            yield link


def _leads_nowhere(request: PageRequest, why: str) -> TryAgain:
    return TryAgain(f"{request.url} answers with a link to a next page that cannot be followed: {why}")


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line[:_SHOWN_CHARACTERS]) + ("..." if len(line) > _SHOWN_CHARACTERS else "")
