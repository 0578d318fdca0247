// Keeps the page live: on a sign from the event stream the page is fetched again and the parts that changed are put in.
// When the stream is silent for five seconds, the head says since when and every status becomes unknown. When it
// speaks again, the page says again what the controller says.
(() => {
  "use strict";
  const body = document.body;
  const stream = body.dataset.live;
  if (!stream) return;
  const SILENT_MS = 5000;
  // However much happens, a page is not fetched more often.
  const RENEW_MS = 500;
  let heardAt = Date.now();
  let heardClock = "";
  let stale = false;
  let fetching = false;
  let again = false;

  const chosen = (part) => {
    const selection = document.getSelection();
    return Boolean(selection) && !selection.isCollapsed && selection.containsNode(part, true);
  };
  const inUse = (part) =>
    part.contains(document.activeElement) && document.activeElement !== body ||
    [...part.querySelectorAll("input:not([type=hidden])")].some((field) =>
      field.type === "checkbox" ? field.checked : field.value !== "") ||
    chosen(part);

  // What is said, without how long ago: an age grows and is no news.
  const said = (node) =>
    node.textContent.replace(/[\d.,\u202f]+[\s\u00a0]*(ms|min|s|h|d|毫秒|秒|分|小时|天)(?![a-z])/gi, "~");

  // Marks the smallest elements whose words are new; each settles once.
  const settle = (old, next) => {
    if (said(old) === said(next)) return;
    const [before, after] = [[...old.children], [...next.children]];
    const speaks = [...next.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "");
    if (!speaks && after.length > 0 && before.length === after.length) after.forEach((child, n) => settle(before[n], child));
    else next.classList.add("fresh");
  };

  const put = (part, next) => {
    const scrolled = (of) => [of, ...of.querySelectorAll(".scroll")];
    const offsets = scrolled(part).map((box) => box.scrollLeft);
    if (part.id !== "as-of" && !stale) settle(part, next);
    part.replaceWith(next);
    scrolled(next).forEach((box, n) => { box.scrollLeft = offsets[n] || 0; });
  };

  const renew = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" } });
      // Signed out meanwhile: the page itself leads to where one signs in.
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const next = fresh.getElementById(part.id);
        if (!next || next.outerHTML === part.outerHTML || inUse(part)) continue;
        put(part, next);
      }
      document.title = fresh.title;
      stale = false;
    } catch { /* the silence is told below */ } finally {
      setTimeout(() => { fetching = false; if (again) { again = false; renew(); } }, RENEW_MS);
    }
  };

  const unknown = (element, name) => {
    element.setAttribute("class", name);
    for (const node of [...element.childNodes]) if (node.nodeType === Node.TEXT_NODE) node.data = body.dataset.unknown;
  };

  const goStale = () => {
    stale = true;
    const head = document.getElementById("as-of");
    if (head) {
      head.textContent = `${body.dataset.stale} ${heardClock || head.querySelector("b")?.textContent || ""}`;
      head.className = "asof stale";
      head.setAttribute("role", "status");
    }
    const sentence = document.querySelector("h1[data-stale]");
    if (sentence) {
      sentence.textContent = sentence.dataset.stale;
      sentence.nextElementSibling?.replaceChildren();
    }
    const shapes = ["up", "kept", "down", "weak", "spare", "live", "held", "lead", "wait", "expired"];
    for (const use of document.querySelectorAll("main use")) {
      const name = (use.getAttribute("href") || "").replace("#s-", "");
      if (!shapes.includes(name) || use.closest("button, .key")) continue;
      use.setAttribute("href", "#s-unk");
      const svg = use.closest("svg");
      if (svg) svg.setAttribute("class", svg.classList.contains("sh") ? "sh unk" : "k-u");
    }
    for (const status of document.querySelectorAll("main .st")) {
      if (status.hasAttribute("data-name")) status.className = "st unk"; else unknown(status, "st unk");
    }
    for (const words of document.querySelectorAll("main [data-status]")) words.textContent = body.dataset.unknown;
    for (const word of document.querySelectorAll(".topo .t-h, .topo .t-f, .topo .t-w")) unknown(word, "t-u");
  };

  const heard = (changed) => { heardAt = Date.now(); if (changed || stale) renew(); };
  const listen = () => {
    const source = new EventSource(stream);
    source.addEventListener("entry", () => heard(true));
    source.addEventListener("world", () => heard(true));
    source.addEventListener("tick", (event) => {
      heardClock = JSON.parse(event.data).clock;
      heard(false);
      const clock = document.querySelector("#as-of b");
      if (clock && !stale) clock.textContent = heardClock;
    });
    // A browser gives up when it is answered with an error; we do not.
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
    });
  };
  listen();
  setInterval(() => { if (!stale && Date.now() - heardAt > SILENT_MS) goStale(); }, 100);
})();
