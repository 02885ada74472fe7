"use strict";
// The viewer of a rollout: keyboard, search, filters, links to steps. In the dashboard, pages of steps are loaded by htmx
// when they come into view; in a file that was sent, all steps are there and the search is done here.
(() => {
  const viewer = document.getElementById("viewer");
  const steps = document.getElementById("steps");
  if (!viewer || !steps) return;
  const isLocal = viewer.dataset.local === "true";
  const query = document.getElementById("q");
  const found = document.getElementById("found");
  const place = document.getElementById("place");
  const help = document.getElementById("help");
  let current = null;
  let hit = -1;
  let allOpen = false;
  let held = null; // the step that stays in place while pages around it are loaded

  const tell = (text) => { place.textContent = text; };
  const waiting = () => [...steps.querySelectorAll(".page.waiting")];
  const stepOf = (number) => document.getElementById(`step-${number}`);
  const textOf = (step) => step.textContent;

  function load(page) {
    return new Promise((done) => {
      page.parentElement.addEventListener("htmx:afterSettle", () => done(), { once: true });
      htmx.trigger(page, "fill");
      setTimeout(done, 10000);
    });
  }

  function makeCurrent(step, { scroll = true, link = true } = {}) {
    if (!step) return;
    if (current) current.classList.remove("current");
    current = step;
    step.classList.add("current");
    if (scroll) {
      held = step;
      setTimeout(() => { if (held === step) held = null; }, 1500);
      step.scrollIntoView({ block: "start" });
    }
    if (link) history.replaceState(null, "", `#step-${step.dataset.step}`);
  }

  async function goTo(number, options) {
    let step = stepOf(number);
    if (!step) {
      const page = waiting().find((each) => +each.dataset.first <= number && number <= +each.dataset.last);
      if (!page) { tell(`There is no step ${number}`); return null; }
      await load(page);
      step = stepOf(number);
    }
    makeCurrent(step, options);
    return step;
  }

  async function move(by) {
    const all = [...steps.querySelectorAll(".step")];
    if (!current) { makeCurrent(all[0]); return; }
    const page = current.closest(".page");
    const next = all[all.indexOf(current) + by];
    const beside = by > 0 ? page && page.nextElementSibling : page && page.previousElementSibling;
    const isAtEdge = page && (by > 0 ? page.lastElementChild : page.firstElementChild) === current;
    if (isAtEdge && beside && beside.classList.contains("waiting")) {
      const number = by > 0 ? +beside.dataset.first : +beside.dataset.last;
      await goTo(number);
    } else makeCurrent(next);
  }

  async function edge(isLast) {
    const pages = steps.querySelectorAll(".page");
    const page = isLast ? pages[pages.length - 1] : pages[0];
    if (page) await goTo(+(isLast ? page.dataset.last : page.dataset.first));
  }

  function fold(within, isOpen) {
    for (const each of within.querySelectorAll("details.part")) each.open = isOpen;
  }

  function toggleAll() {
    allOpen = !allOpen;
    fold(steps, allOpen);
    document.getElementById("unfold").textContent = allOpen ? "Fold all" : "Unfold all";
    if (current) current.scrollIntoView({ block: "start" });
  }

  function toggleCurrent() {
    if (!current) return;
    const parts = [...current.querySelectorAll("details.part")];
    const isOpen = parts.some((each) => !each.open);
    for (const each of parts) each.open = isOpen;
  }

  // -- what was found is marked without touching the page's text

  function mark() {
    if (!window.CSS || !CSS.highlights) return;
    CSS.highlights.delete("found");
    const wanted = query.value.toLowerCase();
    if (!wanted.trim()) return;
    const ranges = [];
    const walker = document.createTreeWalker(steps, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < 2000) {
      const node = walker.currentNode;
      const text = node.data.toLowerCase();
      if (text.length !== node.data.length) continue;
      for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + wanted.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  const hits = () => [...found.querySelectorAll("a[data-hit]")];

  async function toHit(number) {
    const all = hits();
    if (!all.length) { tell(query.value ? "Nothing was found" : "Nothing was searched for"); return; }
    hit = (number + all.length) % all.length;
    for (const each of all) each.removeAttribute("aria-current");
    all[hit].setAttribute("aria-current", "true");
    all[hit].scrollIntoView({ block: "nearest" });
    const step = await goTo(+all[hit].dataset.hit);
    if (!step) return;
    const wanted = query.value.toLowerCase();
    for (const part of step.querySelectorAll("details.part")) {
      if (textOf(part).toLowerCase().includes(wanted)) part.open = true;
    }
    step.scrollIntoView({ block: "start" });
    mark();
    tell(`${hit + 1} of ${all.length}`);
  }

  function searchHere() {
    found.replaceChildren();
    hit = -1;
    const wanted = query.value.toLowerCase();
    mark();
    if (!wanted.trim()) return;
    const list = document.createElement("ol");
    for (const step of steps.querySelectorAll(".step")) {
      const text = textOf(step);
      const at = text.toLowerCase().indexOf(wanted);
      if (at < 0) continue;
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `#step-${step.dataset.step}`;
      link.dataset.hit = step.dataset.step;
      const excerpt = text.slice(Math.max(0, at - 40), at + 80).replace(/\s+/g, " ");
      link.textContent = `#${step.dataset.step} ${excerpt}`;
      item.append(link);
      list.append(item);
      if (list.childElementCount >= 200) break;
    }
    found.append(list);
    tell(`${list.childElementCount} steps`);
  }

  // -- filters, kept in the address so that a link shows the same

  function readFilters() {
    const hidden = new URLSearchParams(location.search).getAll("hide");
    for (const box of document.querySelectorAll("input[data-part]")) {
      box.checked = !hidden.includes(box.dataset.part);
      steps.classList.toggle(`no-${box.dataset.part}`, !box.checked);
    }
  }

  function writeFilters() {
    const address = new URL(location.href);
    address.searchParams.delete("hide");
    for (const box of document.querySelectorAll("input[data-part]")) {
      steps.classList.toggle(`no-${box.dataset.part}`, !box.checked);
      if (!box.checked) address.searchParams.append("hide", box.dataset.part);
    }
    if (!isLocal) history.replaceState(null, "", address);
  }

  function copyLink(step) {
    const address = new URL(location.href);
    address.hash = `step-${step.dataset.step}`;
    history.replaceState(null, "", address);
    if (!navigator.clipboard) { tell("The address bar has the link"); return; }
    navigator.clipboard.writeText(address.href).then(
      () => tell(`Link to step ${step.dataset.step} copied`),
      () => tell("The address bar has the link"),
    );
  }

  const keys = {
    j: () => move(1), k: () => move(-1), o: toggleCurrent, O: toggleAll, g: () => edge(false), G: () => edge(true),
    n: () => toHit(hit + 1), N: () => toHit(hit - 1), y: () => { if (current) copyLink(current); },
    "/": () => { query.focus(); query.select(); }, "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target === query) {
      if (event.key === "Escape") { event.preventDefault(); query.blur(); } // by itself it would empty the field
      return;
    }
    if (event.target.closest("input, textarea, select")) return;
    const action = keys[event.key];
    if (action) { event.preventDefault(); action(); }
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-hit], a.anchor, a[href^='#step-']");
    if (link) {
      event.preventDefault();
      if (link.dataset.hit) toHit(hits().indexOf(link));
      else goTo(+link.getAttribute("href").slice("#step-".length)).then((step) => {
        if (step && link.classList.contains("anchor")) copyLink(step);
      });
      return;
    }
    const step = event.target.closest(".step");
    if (step) makeCurrent(step, { scroll: false });
  });

  for (const event of ["wheel", "touchmove", "pointerdown"]) {
    window.addEventListener(event, () => { held = null; }, { passive: true });
  }
  document.getElementById("keys").addEventListener("click", () => help.showModal());
  document.getElementById("unfold").addEventListener("click", toggleAll);
  document.querySelector(".filters").addEventListener("change", writeFilters);
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (hits().length) toHit(hit + 1);
    query.blur();
  });
  if (isLocal) query.addEventListener("input", searchHere);

  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === found) { hit = -1; mark(); return; }
    if (allOpen) fold(steps, true);
    if (query.value) mark();
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (held && held.isConnected) held.scrollIntoView({ block: "start" });
  });
  window.addEventListener("hashchange", fromAddress);

  function fromAddress() {
    const wanted = /^#step-(\d+)$/.exec(location.hash);
    if (wanted) goTo(+wanted[1]);
  }

  readFilters();
  if (document.readyState === "complete") fromAddress();
  else window.addEventListener("load", fromAddress);
})();
