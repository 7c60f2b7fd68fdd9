"""The page in the browser: what it shows, and that a real browser sees it change."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
from emulator_bench import ANA, Site, until
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select
from wa_connector_emulator import Emulator, serve

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def page(site: Site, path: str = "/") -> httpx.Response:
    return httpx.get(f"{site.control.base_url}{path.lstrip('/')}", trust_env=False)


def test_the_page_shows_what_was_received_and_sent(site: Site) -> None:
    site.emulator.create_customer(ANA, "Ana")
    site.emulator.type_text(ANA, "Is the mug <b>blue</b>?")
    body = {"messaging_product": "whatsapp", "to": ANA, "type": "text", "text": {"body": "It is & will be."}}
    site.graph.post(f"{site.number_id}/messages", json=body).raise_for_status()
    site.graph.post(f"{site.number_id}/messages", json={**body, "text": {}})
    shown = page(site).text
    assert "Is the mug &lt;b&gt;blue&lt;/b&gt;?" in shown
    assert "It is &amp; will be." in shown
    assert f"POST /v26.0/{site.number_id}/messages: answered 200" in shown
    assert f"POST /v26.0/{site.number_id}/messages: answered 400, error 131008" in shown
    assert "messages: delivered after 1 attempt" in shown or "messages: pending" in shown


def test_the_page_names_no_other_host_and_shows_no_secret(site: Site) -> None:
    site.graph.get(site.number_id)
    answer = page(site)
    assert 'src="http' not in answer.text
    assert 'href="http' not in answer.text
    assert site.emulator.app_secret not in answer.text
    assert site.emulator.token not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for name in ("page.js", "page.css"):
        assert f'"/_emulator/{name}"' in answer.text
        assert page(site, name).status_code == 200


def test_the_root_leads_to_the_page(site: Site) -> None:
    answer = httpx.get(str(site.graph.base_url.copy_with(path="/")), trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/_emulator/")


def test_the_log_of_calls_has_no_token_and_is_an_api_too(site: Site) -> None:
    site.graph.get(f"{site.number_id}?access_token={site.emulator.token}")
    (call,) = site.control.get("/requests").json()["result"]
    assert (call["method"], call["status"]) == ("GET", 200)
    assert site.emulator.token not in str(call)


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("NOT RUN: the page in a real browser, for want of chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"):
        options.add_argument(flag)
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found
    found.quit()


def test_a_browser_sees_messages_come_and_writes_as_a_customer(browser: webdriver.Chrome) -> None:
    emulator = Emulator()
    with serve(emulator) as served:
        browser.get(served.base_url)
        assert browser.title == "WhatsApp emulator"
        browser.find_element(By.ID, "phone").send_keys(ANA)
        browser.find_element(By.ID, "name").send_keys("Ana")
        browser.find_element(By.CSS_SELECTOR, "#person button").click()
        until(lambda: len(emulator.customers()) == 1, within_seconds=20)
        until(lambda: len(Select(browser.find_element(By.ID, "who")).options) == 1, within_seconds=20)
        browser.find_element(By.ID, "text").send_keys("Is anybody there?")
        browser.find_element(By.CSS_SELECTOR, "#write button").click()
        until(lambda: "Is anybody there?" in browser.find_element(By.ID, "messages").text, within_seconds=20)
        body = {"messaging_product": "whatsapp", "to": ANA, "type": "text", "text": {"body": "We are."}}
        url, bearer = f"{served.graph_url}/{emulator.numbers()[0].id}/messages", f"Bearer {emulator.token}"
        httpx.post(url, json=body, headers={"Authorization": bearer}, trust_env=False).raise_for_status()
        # Nobody reloads: the page refreshes itself.
        until(lambda: "We are." in browser.find_element(By.ID, "messages").text, within_seconds=20)
        button = browser.find_element(By.ID, "refresh")
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        assert unlabelled(browser) == []


def unlabelled(browser: webdriver.Chrome) -> list[str]:
    """Controls that a screen reader would have no name for, and headings that skip a level."""
    script = """
        const found = [];
        for (const control of document.querySelectorAll("input, select, button")) {
            const label = control.labels && control.labels.length ? control.labels[0].textContent : control.textContent;
            if (!label.trim()) found.push(control.outerHTML);
        }
        let level = 0;
        for (const heading of document.querySelectorAll("h1, h2, h3")) {
            const next = Number(heading.tagName[1]);
            if (next > level + 1) found.push(heading.outerHTML);
            level = next;
        }
        return found;
    """
    return list(browser.execute_script(script))
