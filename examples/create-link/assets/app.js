import MoneyKit, { moneyui } from "@moneykit/connect";
import { start } from "/connect/connect.js";

const find = (selector, root = document) => root.querySelector(selector);
const root = document.documentElement;
const sandbox = "sandbox" in root.dataset;

// All text is set by textContent, so that markup in a name stays text.
function element(tag, { text, onclick, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (onclick) made.onclick = onclick;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter(Boolean));
  return made;
}

// The amount is a string with exact digits. Intl formats it without rounding it to a double.
function money(amount, currency, signed = false) {
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency, signDisplay: signed ? "exceptZero" : "auto" }).format(amount);
  } catch {
    return `${amount} ${currency}`; // not a currency that the browser knows
  }
}

const day = (date) => new Date(date + "T00:00").toLocaleDateString(undefined, { day: "numeric", month: "short" });

let silence;
function say(message, tone = "good") {
  clearTimeout(silence);
  find("#status").dataset.tone = tone;
  find("#status").textContent = message;
  silence = setTimeout(() => { find("#status").textContent = ""; }, 10000);
}

async function api(path, body) {
  const post = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch("/api/" + path, post);
  const data = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new Error(data?.error ?? "Something went wrong. Please try again.");
  return data;
}

// Appearance

const saved = {
  get: (name) => { try { return localStorage.getItem("create-link." + name); } catch { return null; } },
  set: (name, value) => { try { localStorage.setItem("create-link." + name, value); } catch { /* The setting lasts until the user leaves the page. */ } },
};

let connect;
function choose(name, value) {
  const select = find("#" + name);
  select.value = value;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
  root.dataset[name] = select.value;
  saved.set(name, select.value);
  // The server reads the theme from this cookie when it opens Connect.
  if (name === "theme") document.cookie = `theme=${select.value}; path=/; max-age=31536000; samesite=lax`;
  connect = start({ MoneyKit, moneyui }, {
    colorScheme: find("#scheme").value,
    onWait: (error) => say(error.message),
  });
}
for (const name of ["theme", "scheme"]) {
  find("#" + name).onchange = (event) => choose(name, event.target.value);
  choose(name, saved.get(name) ?? find("#" + name).value);
}

// Connect

function settled(result) {
  if (result?.outcome === "linked") say(`${result.institution.name} is connected.`);
  if (result?.outcome === "relinked") say(`${result.institution.name} works again.`);
  if (result?.outcome === "exited") say(result.message ?? "Nothing was connected.", "bad");
  return load();
}
const failed = (error) => say(error.message, "bad");

find("#connect").onclick = () => connect.link().then(settled, failed);
connect.resume().then((result) => result && settled(result), failed);

async function disconnect(link) {
  const dialog = find("#confirm");
  find("#confirm-text").textContent = `${link.institution} and its accounts disappear from this page, and MoneyKit deletes the link.`;
  dialog.returnValue = "";
  dialog.showModal();
  // The browser may report the earlier close of the dialog late, when it is open again.
  await new Promise((resolve) => { dialog.onclose = () => { if (!dialog.open) resolve(); }; });
  if (dialog.returnValue !== "disconnect") return;
  await connect.disconnect(link.link);
  say(`${link.institution} is disconnected.`);
  await load();
  find("#connect").focus();
}

// Links

const sentence = (words) => words[0].toUpperCase() + words.slice(1).replaceAll("_", " ");
const initials = (name) => name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");

function accountRow(account) {
  const kind = [account.kind, account.mask && "•••• " + account.mask].filter(Boolean).map((text) => element("span", { text }));
  return element("li", {},
    element("div", {}, element("p", { text: account.name }), element("p", { class: "muted" }, ...kind)),
    account.balance && element("p", { class: "amount", text: money(account.balance, account.currency) }));
}

function linkCard(link) {
  const button = (name, text, onclick) => element("button", { type: "button", class: name, text, "aria-label": `${text}: ${link.institution}`, onclick });
  const act = (action, done) => () => api("sandbox/" + action, { link: link.link }).then(() => say(done), failed);
  return element("article", { class: "link card", "data-link": link.link, "data-state": link.state },
    element("header", {},
      element("span", { class: `avatar tone-${link.tone}`, "aria-hidden": "true", text: initials(link.institution) }),
      element("div", {},
        element("h2", { text: link.institution }),
        element("p", { class: "state", text: sentence(link.fix ? "needs attention" : link.state) }))),
    link.notice && element("p", { class: "notice", text: link.notice }),
    element("ul", { class: "rows" }, ...link.accounts.map(accountRow)),
    element("div", { class: "actions" },
      link.fix && button("fix primary", "Fix", () => connect.relink(link.link).then(settled, failed)),
      !link.fix && button("show", "Transactions", () => showTransactions(link)),
      button("disconnect", "Disconnect", () => disconnect(link).catch(failed))),
    sandbox && !link.fix && element("div", { class: "actions sandbox" },
      element("span", { class: "muted", text: "Sandbox" }),
      button("break quiet", "Break this link", act("break", "The bank has locked us out. Try Fix.")),
      button("add quiet", "New transaction", act("transactions", "A coffee was bought. The webhook follows."))));
}

const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

let loading = null, again = false;
// Events cause only one load at a time, and one more after the last event.
function load() {
  if (loading) {
    again = true;
    return loading;
  }
  loading = refresh().catch(failed).then(() => {
    loading = null;
    if (!again) return undefined;
    again = false;
    return load();
  });
  return loading;
}

async function refresh() {
  const { links, totals } = await api("links");
  const focused = document.activeElement;
  const card = focused?.closest?.(".link");
  const place = card && `.link[data-link="${card.dataset.link}"] .${focused.classList[0]}`;
  find("#links").replaceChildren(...links.map(linkCard));
  if (place) find(place)?.focus();
  find("#empty").hidden = links.length > 0;
  find("#totals").textContent = totals.map((total) => money(total.amount, total.currency)).join(" + ");
  find("#totals").hidden = totals.length === 0;
  const open = links.filter((link) => link.accounts.length);
  find("#count").textContent = `${count(open.flatMap((link) => link.accounts).length, "account")} at ${count(open.length, "bank")}`;
  find("#count").hidden = totals.length === 0;
  if (shown && !links.some((link) => link.link === shown.link && !link.fix)) {
    hideTransactions();
  } else if (shown) {
    await showPage(1);
  }
}

// Transactions

let shown = null, page = 1;

async function showTransactions(link) {
  shown = link;
  find("#transactions-title").textContent = `Transactions of ${link.institution}`;
  find("#transactions").hidden = false;
  find("#transactions").focus();
  await showPage(1).catch(failed);
}

function hideTransactions() {
  shown = null;
  find("#transactions").hidden = true;
}
find("#transactions .hide").onclick = () => {
  const card = `.link[data-link="${shown.link}"] .show`;
  hideTransactions();
  find(card)?.focus();
};

async function showPage(wanted) {
  const { link } = shown;
  const { transactions, more } = await api(`links/${encodeURIComponent(link)}/transactions?page=${wanted}`);
  if (shown?.link !== link) return;
  page = wanted;
  const rows = transactions.map((each) => element("li", { class: each.pending ? "pending" : "" },
    element("div", {},
      element("p", { text: each.text }),
      element("p", { class: "muted", text: [day(each.date), each.account].filter(Boolean).join(" · ") }, each.pending && element("span", { class: "badge", text: "pending" }))),
    element("p", { class: each.amount.startsWith("-") ? "amount" : "amount income", text: money(each.amount, each.currency, true) })));
  const list = find("#transactions .rows");
  if (wanted === 1) list.replaceChildren();
  list.append(...(rows.length || wanted > 1 ? rows : [element("li", { class: "muted", text: "No transactions." })]));
  find("#transactions .more").hidden = !more;
}
find("#transactions .more").onclick = () => showPage(page + 1).catch(failed);

// Events. EventSource reconnects by itself, and sends the number of the last event.

const stream = new EventSource("/api/events");
function live(text, state) {
  find("#live").textContent = text;
  find("#live").dataset.state = state;
}
stream.onopen = () => {
  if (find("#live").textContent !== "connecting") load(); // Links may have changed while the connection was lost.
  live("live", "open");
};
stream.onerror = () => live(stream.readyState === EventSource.CLOSED ? "off" : "reconnecting", "lost");
stream.onmessage = ({ data }) => {
  const event = JSON.parse(data);
  find("#quiet").hidden = true;
  find("#events").prepend(element("li", { "data-source": event.source },
    element("div", { class: "line" },
      element("p", { class: "name", text: event.name }),
      element("time", { class: "muted", datetime: event.at, text: new Date(event.at).toLocaleTimeString() })),
    element("p", { class: "muted" }, element("span", { class: "badge", text: event.source }), event.text)));
  while (find("#events").children.length > 40) find("#events").lastChild.remove();
  if (event.reload) load();
};

load();
