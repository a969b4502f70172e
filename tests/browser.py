"""Drive a headless browser with the DevTools protocol over two pipes, with no package to install."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120  # seconds for the browser to answer
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATH = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--headless=new",
    "--remote-debugging-pipe",  # commands on descriptor 3, answers on 4, each ending in a zero byte
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=900,900",
]
# Renumbers two descriptors to 3 and 4, and then executes another program.
RENUMBER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for number, end in enumerate(ends, 3):
    os.dup2(end, number)
    os.close(end)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Tab:
    """One tab; commands return the browser's answers."""

    def __init__(self, commands: int, answers: int):
        self.commands, self.answers = os.fdopen(commands, "wb"), os.fdopen(answers, "rb")
        self.rest, self.number, self.session = b"", 0, None
        self.events: list[str] = []  # their names
        self.requests: list[str] = []  # URLs
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: object) -> dict:
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self.receive()).get("id") != self.number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def receive(self) -> dict:
        while b"\0" not in self.rest:
            assert select.select([self.answers], [], [], PATIENCE)[0], "the browser says nothing"
            block = os.read(self.answers.fileno(), 1 << 16)
            assert block, "the browser has gone"
            self.rest += block
        message, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(message)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if "method" in message:
            self.events.append(message["method"])
        return message

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Wait until the page that the block requests has loaded."""
        self.events.clear()
        yield
        while "Page.loadEventFired" not in self.events:
            self.receive()

    def open(self, url: str) -> None:
        with self.loading():
            self.send("Page.navigate", url=url)

    def run(self, script: str) -> object:
        """Evaluate an expression in the page."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, selector: str) -> None:
        """Click the mouse in the middle of an element."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
            " const box = e.getClientRects()[0]; return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, path: Path) -> bytes:
        """Return the screen as a PNG; also save it, for people."""
        content = base64.b64decode(self.send("Page.captureScreenshot")["data"])
        path.write_bytes(content)
        return content


@contextmanager
def tab(profile: Path) -> Iterator[Tab]:
    """Open a tab in a new browser with an empty profile."""
    flags = [*FLAGS, f"--user-data-dir={profile}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # the sandbox does not work for root
    (commands_out, commands_in), (answers_out, answers_in) = os.pipe(), os.pipe()
    ends = commands_out, answers_in
    command = [sys.executable, "-c", RENUMBER, *map(str, ends), PATH, *flags]
    browser = subprocess.Popen(command, pass_fds=ends, stderr=subprocess.DEVNULL)
    for end in ends:
        os.close(end)
    try:
        yield Tab(commands_in, answers_out)
    finally:
        browser.terminate()
        browser.wait(20)
