/* Otklik: shows a visitor the number by which we know whose call it is. Apache-2.0. */
(function () {
  "use strict";
  var me = document.currentScript, said = me.dataset;
  var base = new URL(me.src).origin + "/contact-center/v1/number-leases";
  var own = digits(said.replace || ""), lease = null, timer = 0, shown = null;
  if (!own || !said.key || !said.tracker || !window.fetch) return;

  function digits(text) { return text.replace(/\D/g, "").replace(/^8(?=\d{10}$)/, "7"); }

  function visitor() {
    var name = "otklik-visitor", id = null;
    try { id = localStorage.getItem(name); } catch (e) {}
    if (!id) {
      id = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
      try { localStorage.setItem(name, id); } catch (e) {}
    }
    return id;
  }
  var id = visitor();

  function ask(path, body, last) {
    body.tracker = said.tracker;
    body.visitor = id;
    return fetch(base + path, {
      method: "POST", keepalive: !!last, credentials: "omit", referrerPolicy: "no-referrer",
      headers: { "Content-Type": "application/json", Authorization: "Bearer " + said.key },
      body: JSON.stringify(body)
    });
  }

  /* The new digits in the form in which the page wrote its own. */
  function formed(text, number) {
    var left = number.replace(/\D/g, ""), count = text.replace(/\D/g, "").length;
    if (count < left.length) left = left.slice(left.length - count);
    if (count !== left.length) return "+" + left;
    if (/^\D*8/.test(text) && left[0] === "7") left = "8" + left.slice(1);
    var at = 0;
    return text.replace(/\d/g, function () { return left[at++]; });
  }

  function swap(number) {
    var walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), node;
    var from = shown || own;
    while ((node = walker.nextNode())) {
      if (/^(SCRIPT|STYLE|TEXTAREA)$/.test(node.parentNode.nodeName)) continue;
      node.data = node.data.replace(/\+?\d[\d\s().\u00a0\u2011-]{8,22}\d/g, function (text) {
        return digits(text) === from ? formed(text, number) : text;
      });
    }
    document.querySelectorAll("a[href^='tel:']").forEach(function (link) {
      if (digits(link.getAttribute("href")) === from) link.setAttribute("href", "tel:" + number);
    });
    shown = digits(number);
    document.documentElement.setAttribute("data-otklik-number", number);
  }

  function lend() {
    ask("", { url: location.href.slice(0, 2000), referrer: document.referrer.slice(0, 2000) })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (told) {
        if (!told) return;
        if (told.number) swap(told.number);
        lease = told.lease;
        clearInterval(timer);
        if (lease) timer = setInterval(beat, told.heartbeat_seconds * 1000);
      })
      .catch(function () {});
  }

  function beat() {
    if (document.hidden || !lease) return;
    ask("/" + lease + ":heartbeat", {})
      .then(function (answer) { if (answer.status === 404) lend(); })
      .catch(function () {});
  }

  addEventListener("pagehide", function () {
    if (lease) ask("/" + lease + ":release", {}, true).catch(function () {});
  });
  addEventListener("pageshow", function (event) { if (event.persisted) lend(); });
  if (document.body) lend(); else addEventListener("DOMContentLoaded", lend);
})();
