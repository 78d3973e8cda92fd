// SPDX-License-Identifier: Apache-2.0
// Filters the cases of a page; everything is there without it. The choice stands behind # of the
// address: #?verdict=FAIL&layer=stub&section=3&text=name. The addresses of groups (#FAIL-stub) and of
// cases (#c-…) work without script, too.
"use strict";
(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const items = Array.from(document.querySelectorAll(".item"));
  const groups = Array.from(document.querySelectorAll(".group"));
  const outer = Array.from(document.querySelectorAll("section.verdict"));
  const fields = form ? Array.from(form.querySelectorAll("[data-key]")) : [];
  const words = new Map();

  const wordsOf = (item) => {
    if (!words.has(item)) {
      words.set(item, item.textContent.toLowerCase());
    }
    return words.get(item);
  };

  // What an item has of a key: its own data, else that of its group.
  const valuesOf = (item, key) => {
    const own = item.dataset[key];
    return (own === undefined ? item.closest(".group").dataset[key] || "" : own).split(" ");
  };

  const filter = () => {
    const wanted = fields.filter((field) => field.value.trim() !== "");
    let count = 0;
    for (const item of items) {
      const fits = wanted.every((field) => field.dataset.key === "text" ?
        wordsOf(item).includes(field.value.trim().toLowerCase()) :
        valuesOf(item, field.dataset.key).includes(field.value));
      item.hidden = !fits;
      count += fits ? 1 : 0;
    }
    for (const group of groups) {
      group.hidden = !group.querySelector(".item:not([hidden])");
    }
    for (const section of outer) {
      section.hidden = !section.querySelector(".item:not([hidden])");
    }
    for (const list of document.querySelectorAll("details.list")) {
      list.open = wanted.length > 0 || list.dataset.open === "1";
    }
    shown.textContent = count + " of " + items.length + " cases are shown.";
  };

  const keep = () => {
    const chosen = new URLSearchParams();
    for (const field of fields) {
      if (field.value.trim() !== "") {
        chosen.set(field.dataset.key, field.value.trim());
      }
    }
    const text = chosen.toString();
    try {
      history.replaceState(null, "", text ? "#?" + text : "#");
    } catch (error) {
      // A page that was opened from a file may not be allowed to; the filter works all the same.
    }
  };

  // Takes the choice from the address.
  const read = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("?")) {
      const chosen = new URLSearchParams(hash.slice(1));
      for (const field of fields) {
        field.value = chosen.get(field.dataset.key) || "";
      }
      filter();
      form.scrollIntoView();
      return;
    }
    const target = hash ? document.getElementById(hash) : null;
    if (!target) {
      return;
    }
    if (target.hidden || target.closest("[hidden]")) {
      form.reset();
      filter();
    }
    for (let place = target; place; place = place.parentElement) {
      if (place.tagName === "DETAILS") {
        place.open = true;
      }
    }
    const list = target.querySelector(":scope > details.list");
    if (list) {
      list.open = true;
    }
    target.scrollIntoView();
  };

  if (!form) {
    return;
  }
  for (const cell of document.querySelectorAll("[data-to]")) {
    const link = document.createElement("a");
    link.href = "#?" + cell.dataset.to;
    link.textContent = cell.textContent;
    cell.replaceChildren(link);
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { filter(); keep(); });
  form.addEventListener("reset", () => setTimeout(() => { filter(); keep(); }));
  addEventListener("hashchange", read);
  filter();
  read();
})();
