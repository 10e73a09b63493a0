"""Chromium without a window, operated as by a person: what is on the screen, the mouse and the keyboard."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from axe_core_python.base import AXE_SCRIPT
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NEEDS_BROWSER = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's packages chromium and chromium-driver"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_SECONDS = 180.0
TRIES = 5
SPOIL = """
    const ask = window.fetch.bind(window);
    const paths = new RegExp(%s);
    const instead = %s;
    window.fetch = (address, options) => {
        const spoils = !window.isMended && paths.test(new URL(address, location.href).pathname);
        return spoils ? instead(() => ask(address, options)) : ask(address, options);
    };
"""
NOT_OURS = ("ERR_NETWORK_CHANGED", "for its sandbox attribute can escape", "willReadFrequently")
"""Messages about the machine's network, the frame that Airflow puts around the page, and tests that read a canvas."""


class Browser:
    """A window on one Airflow. Elements are named by CSS selectors and waited for."""

    def __init__(self, chrome: Chrome, url: str) -> None:
        self.chrome = chrome
        self.url = url
        self._console: list[str] = []
        self._asked: list[str] = []

    def open(self, path: str) -> None:
        """Open an address anew, even if only what follows its # differs.

        Chromium drops what it is loading when a network comes or goes on the machine; then it is opened again.
        """
        for _ in range(TRIES):
            self.chrome.get("about:blank")
            known = len(self._said())
            self.chrome.get(self.url + path)
            if not any("ERR_NETWORK_CHANGED" in one for one in self._said()[known:]):
                return

    def sign_in(self, token: str) -> None:
        """Be the user with this token from now on."""
        self.open("/ndvi/page.css")  # a cookie is of a host that is shown
        self.chrome.add_cookie({"name": "_token", "value": token, "path": "/"})

    def resize(self, width: int = 1280, height: int = 800, theme: str = "light") -> None:
        """Set the size of the window and the theme of the system."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def find(self, selector: str, saying: str = "") -> WebElement:
        """Wait until an element with this text in it is shown, and return it."""

        def shown(chrome: Chrome) -> WebElement | None:
            found = chrome.find_elements(By.CSS_SELECTOR, selector)
            return next((one for one in found if one.is_displayed() and saying in one.text), None)

        waiting = WebDriverWait(self.chrome, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException])
        return waiting.until(shown, f"{selector} with {saying!r} is not on {self.chrome.current_url}")

    def wait(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so of the page."""
        WebDriverWait(self.chrome, PATIENCE_SECONDS).until(lambda _: is_so(), what)

    def text(self, selector: str) -> str:
        return self.find(selector).text

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def press(self, *keys: str) -> None:
        ActionChains(self.chrome).send_keys(*keys).perform()

    def press_on(self, selector: str, *keys: str) -> None:
        """Press keys while an element has the focus."""
        self.run("arguments[0].focus()", self.find(selector))
        self.press(*keys)

    def run(self, script: str, *arguments: object) -> Any:
        return self.chrome.execute_script(script, *arguments)

    @contextmanager
    def cut_off(self, *addresses: str) -> Iterator[None]:
        """Let the page get no answer from these addresses, in which * is anything."""
        self.chrome.execute_cdp_cmd("Network.setBlockedURLs", {"urls": addresses})
        try:
            yield
        finally:
            self.chrome.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})

    @contextmanager
    def spoiled(self, paths: str, instead: str) -> Iterator[None]:
        """Let pages that are opened meanwhile get other answers, until `window.isMended`, as from a server in between.

        Args:
            paths: a regular expression of those that are asked for.
            instead: a JavaScript function that returns the answer; its argument gets the true one.
        """
        script = {"source": SPOIL % (json.dumps(paths), instead)}
        added = self.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
        try:
            yield
        finally:
            self.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)

    def serious_issues(self) -> list[str]:
        """Return what axe finds on the page that is serious or worse."""
        self.run(AXE_SCRIPT)
        found = self.chrome.execute_async_script("axe.run().then(arguments[0])")["violations"]
        return [
            f"{one['id']}: {node['html']} {node['failureSummary']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def problems(self) -> list[str]:
        """Return all warnings and errors of the console so far."""
        return [one for one in self._said() if not any(words in one for words in NOT_OURS)]

    def _said(self) -> list[str]:
        self._console += [entry["message"] for entry in self.chrome.get_log("browser")]
        return self._console

    def asked(self) -> list[str]:
        """Return the addresses of all requests so far."""
        events = (json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance"))
        self._asked += [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return self._asked


@contextmanager
def a_browser(url: str) -> Iterator[Browser]:
    """Yield a new browser that remembers nothing."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "WARNING", "performance": "ALL"})
        chrome = Chrome(options=options, service=Service(DRIVER))
        try:
            yield Browser(chrome, url)
        finally:
            chrome.quit()
