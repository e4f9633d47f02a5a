"""JupyterLab as `make lab` starts it: no question at the start, nothing asked of the network, and a page that was only opened
stays as it is stored."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = "01_query_key_value.ipynb"
STATE = """() => ({
    asked: [...document.querySelectorAll(".Toastify__toast, .jp-Dialog")].map((one) => one.innerText),
    changed: document.querySelectorAll(".lm-DockPanel .jp-mod-dirty").length,
})"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a stored page."""
    return Path(shutil.copy(ROOT / "notebooks" / PAGE, tmp_path_factory.mktemp("lab"))).parent


@pytest.fixture(scope="module")
def address(folder):
    """Where a JupyterLab answers that was started as `make lab` does it, by someone who never did so before."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / "home"
    environment = os.environ | {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    environment["JUPYTER_CONFIG_PATH"] = str(ROOT / ".jupyter")
    flags = ["--no-browser", f"--port={port}", "--IdentityProvider.token=", "--allow-root", "--log-level=ERROR"]
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *flags, PAGE], env=environment, cwd=folder)
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=2).close()
            break
        except OSError:
            time.sleep(0.5)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(20)


@pytest.fixture(scope="module")
def opened(chromium, address):
    """(the page in Lab with its kernel running, the addresses elsewhere that it asked for)."""
    page, elsewhere = chromium.new_page(), []
    own = (address, address.replace("http", "ws"), "data:", "blob:", "about:")
    page.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    page.goto(f"{address}/lab/tree/{PAGE}?reset")
    page.wait_for_selector(".jp-Notebook .jp-OutputArea-output", timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.wait_for_timeout(3000)  # for Lab to do what it does once a kernel has said what it is
    yield page, elsewhere
    page.close()


def test_nothing_is_asked(opened):
    """Neither the reader, for news, nor the network."""
    page, elsewhere = opened
    assert page.evaluate(STATE)["asked"] == [] and elsewhere == []


def test_opening_a_page_does_not_change_it(opened, folder):
    """Its tab has no mark of unsaved changes, and the file is the stored one."""
    page, _ = opened
    assert page.evaluate(STATE)["changed"] == 0
    assert (folder / PAGE).read_bytes() == (ROOT / "notebooks" / PAGE).read_bytes()


def test_a_change_is_seen_as_one(opened):
    """The mark that is missing above is where these tests look for it."""
    page, _ = opened
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.type("# mine")
    page.wait_for_function("document.querySelectorAll('.lm-DockPanel .jp-mod-dirty').length > 0", timeout=10_000)
