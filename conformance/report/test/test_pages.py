#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Opens the HTML reports in Chromium: test_pages.py CMRP FOLDER

FOLDER holds the pages of test_report and test_judgement; others are made by running CMRP. The pages
must be complete without script, load nothing, fit on a phone, have enough contrast, and filter."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from browser import Browser, program

CMRP = PAGES = None
CAPTURES = pathlib.Path(__file__).resolve().parents[3] / "vectors/captures"
LARGEST = 3 << 20   # octets of a page about vectors that mostly pass
WORST = 6 << 20     # octets of a page about a testee that fails everything
PHONE, DESK = 360, 1200

# A testee that is wrong about everything.
WRONG = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"], "error": "</script><b>no</b>"}
    if request["op"] == "hello":
        answer = {"id": 0, "name": "wrong", "version": "1",
                  "types": ["batch", "change", "stub", "pdu", "payload", "tower"]}
    print(json.dumps(answer), flush=True)
"""

# Elements with text of their own whose contrast is below WCAG's 4.5 to 1.
FAINT = """(() => {
  const light = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const numbers = (color) => color.match(/[0-9.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const e of document.querySelectorAll("body *")) {
    const own = Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || ["SCRIPT", "STYLE", "OPTION"].includes(e.tagName)) continue;
    const pair = [luminance(numbers(getComputedStyle(e).color)), luminance(behind(e))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) found.add(e.tagName + "." + e.className + " " + ratio.toFixed(2));
  }
  return Array.from(found);
})()"""

# What a reader who does not see the page would stumble over.
STUMBLES = """(() => {
  const found = [];
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) {
    if (ids.has(e.id)) found.push("two elements have the id " + e.id);
    ids.add(e.id);
  }
  for (const a of document.querySelectorAll("a[href]")) {
    const to = a.getAttribute("href");
    if (!to.startsWith("#")) found.push("a link leads away: " + to);
    else if (!to.startsWith("#?") && !ids.has(decodeURIComponent(to.slice(1))))
      found.push("a link leads nowhere: " + to);
  }
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const n = Number(h.tagName[1]);
    if (n > level + 1) found.push("a heading skips a level: " + h.textContent);
    level = n;
  }
  for (const t of document.querySelectorAll("table")) {
    if (!t.caption) found.push("a table without caption");
    for (const h of t.querySelectorAll("th")) if (!h.scope) found.push("a th without scope");
  }
  for (const e of document.querySelectorAll("pre, .scroll, [role=region]"))
    if (!e.getAttribute("aria-label") && e.tabIndex >= 0) found.push("a region without name");
  for (const e of document.querySelectorAll("input, select"))
    if (!e.labels.length) found.push("a field without label");
  for (const [name, n] of [["main", 1], ["h1", 1], ["footer", 1], ["html[lang]", 1], ["script", 1]])
    if (document.querySelectorAll(name).length !== n) found.push("not " + n + " " + name);
  return found;
})()"""

OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"
SHOWN = "document.getElementById('shown').textContent"
ITEMS = "document.querySelectorAll('.item').length"
VISIBLE = "Array.from(document.querySelectorAll('.item:not([hidden])')).map((e) => e.textContent)"


def wide(width):
    """What sticks out to the right, except in what scrolls by itself. (innerWidth grows with it.)"""
    return f"""Array.from(document.querySelectorAll("body *")).filter((e) =>
        !e.closest(".scroll, pre, .skip") && e.getBoundingClientRect().right > {width} + 0.5)
        .map((e) => e.tagName + "." + e.className)"""


def type_text(text):
    return f"""(() => {{ const i = document.querySelector("[data-key=text]"); i.value = {text!r};
        i.dispatchEvent(new Event("input", {{bubbles: true}})); return {SHOWN}; }})()"""


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.browser.__exit__)

    def open(self, path, fragment="", **how):
        self.browser.open(path, fragment, **how)
        self.assertEqual(self.browser.complaints(), [])

    def run_cmrp(self, name, *arguments):
        path = pathlib.Path(self.folder.name, name)
        environment = dict(os.environ)
        environment["PATH"] = f"{CMRP.parent}:{environment['PATH']}"
        done = subprocess.run([CMRP, "conform", *arguments, "--html", path], env=environment,
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return path, int(re.search(r" in (\d+) case", done.stdout)[1])

    def check_page(self, path):
        """What holds for every page."""
        for width in (DESK, PHONE):
            for dark in (False, True):
                with self.subTest(page=path.name, width=width, dark=dark):
                    self.open(path, width=width, dark=dark)
                    self.browser.run(OPEN_ALL)
                    self.assertEqual(self.browser.run(FAINT), [])
                    self.assertEqual(self.browser.run(wide(width)), [])
                    self.assertLessEqual(
                        self.browser.run("document.documentElement.scrollWidth"), width)
        self.assertEqual(self.browser.run(STUMBLES), [])

    def test_every_page(self):
        for name in ("judgement.html", "report.html"):
            self.check_page(PAGES / name)

    def test_large_judgement(self):
        self.open(PAGES / "large.html", width=PHONE)
        self.assertEqual(self.browser.run(STUMBLES), [])
        self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), PHONE)
        self.assertRegex(self.browser.run(type_text("no such thing")), "^0 of ")

    def test_captures(self):
        for capture in sorted(CAPTURES.glob("*.pcap"))[::3]:
            path, _ = self.run_cmrp(f"{capture.stem}.html", "-r", capture, "--level", "should")
            self.open(path, width=PHONE)
            self.browser.run(OPEN_ALL)
            self.assertEqual(self.browser.run(wide(PHONE)), [], capture.name)
            self.assertEqual(self.browser.run(STUMBLES), [], capture.name)

    def test_the_checks(self):
        """Each of them notices a page that is wrong."""
        self.open(PAGES / "report.html", width=PHONE)
        for change, check in (("h1.style.color = '#bbb'", FAINT),
                              ("h1.style.width = '500px'", wide(PHONE)),
                              ("h1.id = 'content'", STUMBLES),
                              ("document.querySelector('a[href]').href = '#nowhere'", STUMBLES),
                              ("document.querySelector('table').deleteCaption()", STUMBLES)):
            self.browser.run(f"(() => {{ const h1 = document.querySelector('h1'); {change}; }})()")
            self.assertNotEqual(self.browser.run(check), [], change)
        text = (PAGES / "report.html").read_text(encoding="utf-8")
        path = pathlib.Path(self.folder.name, "doctored.html")
        for extra in ("<script>document.title = 'x'</script>", '<img src="http://192.0.2.1/x.png">',
                      '<p style="color: red">x</p>', '<b onclick="alert(1)">x</b>'):
            path.write_text(text.replace("</main>", f"{extra}</main>"), encoding="utf-8")
            self.browser.open(path)
            self.browser.run("document.querySelectorAll('b').forEach((b) => b.click())")
            self.assertNotEqual(self.browser.complaints(), [], extra)

    def test_text_without_script(self):
        for name, texts in (
                ("report.html", ["FAIL", "change-may/encode", "expected offset 0: 11",
                                 "cmrp explain change-may", "Verdicts by layer", "TIMEOUT"]),
                ("judgement.html", ["nobody gave this handle", "Send an HKEY_RPC",
                                    "client to server", "bind clusapi 3.0", "not exercised"])):
            self.open(PAGES / name, script=False)
            self.assertFalse(self.browser.run("document.getElementById('filter').offsetHeight"))
            self.browser.run(OPEN_ALL)
            text = self.browser.run("document.body.innerText")
            for expected in texts:
                self.assertIn(expected, text)

    def test_filters_from_the_address(self):
        for name, choice, count in (
                ("report.html", "", 8), ("report.html", "verdict=FAIL", 1),
                ("report.html", "verdict=FAIL&layer=change&section=0", 1),
                ("report.html", "verdict=FAIL&section=2", 0), ("report.html", "section=1", 2),
                ("report.html", "text=KILLED+by", 1), ("report.html", "layer=change", 8),
                ("judgement.html", "verdict=FAIL", 3), ("judgement.html", "level=SHOULD", 2),
                ("judgement.html", "party=1", 2), ("judgement.html", "party=1&level=MUST", 1),
                ("judgement.html", "text=nobody gave", 1)):
            with self.subTest(page=name, choice=choice):
                self.open(PAGES / name, f"#?{choice}" if choice else "")
                self.assertEqual(len(self.browser.run(VISIBLE)), count)
                total = self.browser.run(ITEMS)
                self.assertEqual(self.browser.run(SHOWN), f"{count} of {total} cases are shown.")

    def test_filters_by_hand(self):
        self.open(PAGES / "report.html")
        self.assertEqual(self.browser.run(type_text("MAY/encode ")), "1 of 8 cases are shown.")
        self.assertEqual(self.browser.run("location.hash"), "#?text=MAY%2Fencode")
        self.assertEqual(self.browser.run("""Array.from(document.querySelectorAll(
            "section.verdict:not([hidden])")).map((e) => e.id)"""), ["FAIL"])
        self.browser.run("document.querySelector('#filter button').click()")
        self.browser.run("new Promise((done) => setTimeout(done, 50))")
        self.assertEqual(self.browser.run(SHOWN), "8 of 8 cases are shown.")
        self.browser.run("document.querySelector('[data-to] a').click()")
        self.browser.run("new Promise((done) => setTimeout(done, 50))")
        self.assertEqual(self.browser.run(SHOWN), "1 of 8 cases are shown.")

    def test_links_to_places(self):
        self.open(PAGES / "judgement.html", "#?verdict=PASS")
        self.browser.run("location.hash = document.querySelector('a.wrong').getAttribute('href')")
        self.browser.run("new Promise((done) => setTimeout(done, 50))")
        self.assertTrue(self.browser.run("document.querySelector(':target').offsetHeight > 0"))
        self.assertIn("no sec_trailer", self.browser.run(
            "document.querySelector(':target').textContent"))
        self.open(PAGES / "report.html", "#PASS-change")
        self.assertTrue(self.browser.run("document.querySelector('#PASS-change details').open"))

    def test_marks(self):
        self.open(PAGES / "report.html")
        self.assertEqual(self.browser.run("""Array.from(document.querySelectorAll(
            "#FAIL-change mark")).map((e) => e.textContent)"""), ["11", "10"])
        self.open(PAGES / "judgement.html")
        marks = self.browser.run(
            "Array.from(document.querySelectorAll('.finding mark')).map((e) => e.textContent)")
        self.assertIn("00 00 00 00 33 22 11 00 55 44 77 66 88 99 aa bb", marks)
        self.assertIn("14 15 16 17", marks)

    def test_all_vectors(self):
        path, cases = self.run_cmrp("good.html", "--testee", "cmrp-testee-c")
        self.assertLess(path.stat().st_size, LARGEST)
        self.open(path, width=PHONE)
        self.assertEqual(self.browser.run(ITEMS), cases)
        self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), PHONE)
        shown = self.browser.run(type_text("batch-notifytest-sent"))
        self.assertEqual(shown, f"2 of {cases} cases are shown.")

    def test_everything_fails(self):
        script = pathlib.Path(self.folder.name, "wrong.py")
        script.write_text(WRONG, encoding="utf-8")
        path, cases = self.run_cmrp("bad.html", "--testee", f"/usr/bin/python3 {script}")
        self.assertLess(path.stat().st_size, WORST)
        self.open(path, "#?verdict=FAIL&layer=tower", width=PHONE)
        self.assertEqual(self.browser.run(ITEMS), cases)
        self.assertGreater(len(self.browser.run(VISIBLE)), 50)
        self.assertEqual(self.browser.run(wide(PHONE)), [])
        self.assertGreater(self.browser.run("document.querySelectorAll('#FAIL-tower .hex').length"),
                           50)
        self.assertEqual(self.browser.run(STUMBLES), [])


if __name__ == "__main__":
    if program() is None:
        sys.exit("chromium is missing (package chromium)")
    CMRP, PAGES = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1])
