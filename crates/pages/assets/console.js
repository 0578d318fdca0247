// Keeps the page live: on a sign from the event stream the page is fetched again and the parts that changed are put in.
// When the stream is silent for five seconds, the head says since when and every status becomes unknown.
(() => {
  "use strict";
  const body = document.body;
  const stream = body.dataset.live;
  if (!stream) return;
  const SILENT_MS = 5000;
  let heardAt = Date.now();
  let stale = false;
  let fetching = false;
  let again = false;

  const inUse = (part) =>
    part.contains(document.activeElement) && document.activeElement !== body ||
    [...part.querySelectorAll("input:not([type=hidden])")].some((field) =>
      field.type === "checkbox" ? field.checked : field.value !== "");

  const renew = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" }, redirect: "error" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const next = fresh.getElementById(part.id);
        if (!next || next.outerHTML === part.outerHTML || inUse(part)) continue;
        part.replaceWith(next);
        if (part.id !== "as-of" && part.textContent !== next.textContent) next.classList.add("fresh");
      }
      const title = fresh.querySelector("title");
      if (title) document.title = title.textContent;
      stale = false;
    } catch { /* the silence is told below */ } finally {
      fetching = false;
      if (again) { again = false; setTimeout(renew, 250); }
    }
  };

  const goStale = () => {
    stale = true;
    const head = document.getElementById("as-of");
    if (head) {
      const at = head.querySelector("b");
      head.textContent = `${body.dataset.stale} ${at ? at.textContent : ""}`;
      head.className = "asof stale";
    }
    const shapes = ["up", "kept", "down", "weak", "spare", "live", "held", "lead", "wait", "expired"];
    for (const use of document.querySelectorAll("main use")) {
      const name = (use.getAttribute("href") || "").replace("#s-", "");
      if (!shapes.includes(name)) continue;
      use.setAttribute("href", "#s-unk");
      const svg = use.closest("svg");
      if (svg) svg.setAttribute("class", svg.classList.contains("sh") ? "sh unk" : "k-u");
    }
    for (const status of document.querySelectorAll("main .st")) {
      status.className = "st unk";
      for (const node of [...status.childNodes]) if (node.nodeType === Node.TEXT_NODE) node.data = body.dataset.unknown;
    }
  };

  const source = new EventSource(stream);
  const heard = (changed) => { heardAt = Date.now(); if (changed || stale) renew(); };
  source.addEventListener("entry", () => heard(true));
  source.addEventListener("world", () => heard(true));
  source.addEventListener("tick", () => heard(false));
  setInterval(() => { if (!stale && Date.now() - heardAt > SILENT_MS) goStale(); }, 500);
})();
