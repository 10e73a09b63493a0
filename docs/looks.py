"""Each view of the fields page in each state in which people may meet it, as pictures to look at.

States that a whole stack does not have are made in the browser: it answers in place of the API. `docs/screenshots.py
--looks DIR` saves them all; the size of the registry is that of the stack.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from screenshots import Browser, meadows

VIEWS = {
    "changes": "#view=changes",
    "map": "#view=map",
    "list": "#view=list",
    "days": "#view=days",
    "field": "#field=field_3&date=2025-06-25",
    "compare": "#field=field_3,field_4&date=2025-06-25",
    "look": "#field=field_3&date=2025-06-28",
    "upload": "#view=map",
    "field_sheet": "sheet.html#field=field_3&season=2025",
    "crop_sheet": "sheet.html#crop=maize",
}
"""The address of each."""
OF_ALL = ("changes", "map", "list", "days")
OF_FIELD = ("field", "compare", "look", "field_sheet")
SIZES = {"wide": (1280, 800), "narrow": (320, 740)}
BOTH = (("wide", "light"), ("narrow", "dark"))
EVERY = (*BOTH, ("wide", "dark"), ("narrow", "light"))
LOOK_SECONDS = 8.0
"""Within these the page has looked for news once more."""

INSTEAD = """
const api = window.fetch.bind(window);
const paths = new RegExp(%s);
const instead = %s;
window.fetch = (address, options) => {
    const ask = () => api(address, options);
    return paths.test(new URL(address, location.href).pathname) ? instead(ask) : ask();
};
"""
"""What is asked for at some paths is answered by `instead`."""
NOTHING = "() => new Promise(() => {})"
AWAY = "() => Promise.reject(new TypeError('offline'))"
FAILS = (
    "async () => Response.json({detail: 'a defect, KeyError: see the log of Airflow\\'s API server'}, {status: 500})"
)
PAGE = "async () => new Response('<html><body>Bad Gateway</body></html>')"
HALF = """async (ask) => {
    const all = await (await ask()).arrayBuffer();
    return new Response(all.slice(0, all.byteLength / 2));
}"""
REFUSED = """async () => Response.json({detail: "this takes the right to read the DAG ndvi_daily, which you do not " +
    "have: ask who runs this Airflow"}, {status: 403})"""
ENDED = "async (ask) => window.hasEnded ? Response.json({detail: 'Not authenticated'}, {status: 401}) : ask()"
READ_ONLY = """async (ask) => Response.json({
    ...await (await ask()).json(), may_upload: false, may_review: false, may_recompute: false})"""
ROUTES = {
    "boundaries": ("/api/columns/boundaries", OF_ALL),
    "grid": ("/api/columns/grid", OF_ALL),
    "seasons": ("/api/columns/seasons", (*OF_ALL, "crop_sheet")),
    "curve": ("/fields/[^/]+/(seasons|series)$", (*OF_FIELD, "crop_sheet")),
    "days": ("/observations$", OF_FIELD),
    "latest": ("/api/standings|/api/events", (*OF_ALL, "field", "crop_sheet")),
    "pictures": ("/overlays/|/pixels/|/passes|/zones$", ("map", *OF_FIELD)),
    "check": ("/api/uploads", ("upload",)),
}
BROKEN = {"fails": FAILS, "page": PAGE, "half": HALF, "waits": NOTHING}
ANY = "/api/"
IMAGES = ("*/overlays/*", "*.webp")


class State(NamedTuple):
    """How the page is met."""

    paths: str = "^$"
    """What is answered in another way."""
    instead: str = FAILS
    images: tuple[str, ...] = ()
    """Addresses of images that get no answer, in which * is anything."""
    then: str = ""
    """What the page runs when it is complete."""
    views: tuple[str, ...] = tuple(VIEWS)


STATES = {
    "whole": State(),
    "loading": State(ANY, NOTHING),
    "offline": State(ANY, AWAY),
    "refused": State(ANY, REFUSED),
    "read_only": State("/api/session", READ_ONLY),
    "ended": State(ANY, ENDED, then="window.hasEnded = true"),
    **{
        f"{route}_{kind}": State(paths, instead, IMAGES if route == "pictures" else (), views=views)
        for route, (paths, views) in ROUTES.items()
        for kind, instead in BROKEN.items()
    },
}


def looks(browser: Browser, folder: Path, names: list[str]) -> None:
    """Save how each view looks in each state, or in those states that are named."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in STATES.items():
        if names and name not in names:
            continue
        with _in_state(browser, state):
            for size, theme in EVERY if name == "whole" else BOTH:
                browser.remember("theme", theme)
                for view in state.views:
                    browser.open("/api/v2/version")  # or the next address is but another place on the same page
                    browser.open(f"/ndvi/{VIEWS[view]}", *SIZES[size])
                    _show(browser, view, state)
                    browser.settled().save(folder / f"{view}_{name}_{size}_{theme}.png")


@contextmanager
def _in_state(browser: Browser, state: State) -> Iterator[None]:
    """Let each page that is opened meet this state."""
    command = browser.chrome.execute_cdp_cmd
    script = INSTEAD % (json.dumps(state.paths), state.instead)
    added = command("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    command("Network.enable", {})
    command("Network.setBlockedURLs", {"urls": state.images})
    try:
        yield
    finally:
        command("Page.removeScriptToEvaluateOnNewDocument", added)
        command("Network.setBlockedURLs", {"urls": []})


def _show(browser: Browser, view: str, state: State) -> None:
    """Do what brings the view about, as far as the page offers it in this state."""
    if state.instead != NOTHING:
        browser.find("//*[@id='summary'][not(contains(., 'Loading'))] | //*[@id='sheet'][not(@aria-busy)]")
    if view == "look" or view == "upload" or state.then:
        browser.settled()
    if view == "look":
        browser.click_if_there("//*[@data-keep='look-two']")
    if view == "upload" and browser.click_if_there("//*[@id='open-upload']"):
        with meadows() as file:
            browser.find("//*[@id='upload-file']").send_keys(str(file))
            browser.settled()
    if state.then:
        browser.chrome.execute_script(state.then)
        time.sleep(LOOK_SECONDS)
