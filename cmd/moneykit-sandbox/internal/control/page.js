// The page of moneykit-sandbox for people: live lists of the state, and forms for all verbs.

import { bind, box, call, copyButton, make, parse, setText } from "./verbs.js";

const step = 100; // rows that are shown at first, and that a click adds
const most = 1000; // items that are kept
const renderDelay = 100; // milliseconds
const slowRefresh = 10_000; // milliseconds; the clock changes links, too

const byID = (id) => document.getElementById(id);
const clockTime = (at) => at.slice(11, 19);
const longTime = (at) => at.slice(0, 19).replace("T", " ") + " UTC";
const utc = (at) => new Date(at).toISOString();
const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

// ---- Content of rows. head returns cells: a class and a text. facts returns labels and values,
// which are [text], [text, "copy"] or [text, "code"].

const kinds = {
	links: {
		forms: "link", key: (l) => l.id,
		head: (l) => [
			["chip " + ({ connected: "good", error: "bad" }[l.state] ?? "wait"), l.state],
			["name", l.institution], ["soft", l.user_id], ["bad", l.error ?? ""],
		],
		facts: (l) => ({
			"Link": [l.id, "copy"], "User": [l.user_id, "copy"], "Institution": [l.institution], "Error": [l.error],
			"Webhook": [l.webhook, "copy"], "Products": [l.products.join(", ")], "Accounts": [String(l.accounts)],
			"Created": [longTime(utc(l.created_at))],
		}),
	},
	sessions: {
		forms: "session", key: (s) => s.link_session_token,
		head: (s) => [
			["chip " + (s.over ? "" : "wait"), s.over ? (s.used ? "used" : "over") : "open"],
			["name", s.institution ?? "No institution yet"], ["soft", s.user_id], ["soft", s.over ? "" : s.screen ?? ""],
			["soft mono", clockTime(utc(s.created_at))],
		],
		facts: (s) => ({
			"Token": [s.link_session_token, "copy"], "User": [s.user_id, "copy"], "Institution": [s.institution],
			"Relinks": [s.existing_link_id, "copy"], "Screen": [s.screen], "Created": [longTime(utc(s.created_at))],
		}),
	},
	requests: {
		key: (r) => r.number,
		head: (r) => [
			["mono soft", clockTime(utc(r.at))], ["chip " + statusClass(r.status), r.status ? String(r.status) : "none"],
			["mono name", r.method], ["mono path", r.path + query(r.query)], ["bad line", r.refusal ?? ""],
		],
		facts: (r) => ({
			"Operation": [r.operation || "none"], "At": [longTime(utc(r.at))], "Refused": [r.refusal],
			"Query": [r.query && pretty(r.query), "code"],
			"Headers": [r.header && Object.entries(r.header).map(([name, values]) => `${name}: ${values.join(", ")}`).join("\n"), "code"],
			"Body": [r.body && pretty(r.body), "code"],
		}),
	},
	deliveries: {
		forms: "delivery", key: (d) => d.token,
		head: (d) => [
			["mono soft", clockTime(utc(d.queued_at))], ["chip " + ({ delivered: "good", given_up: "bad" }[d.state] ?? "wait"), d.state],
			["name", d.event], ["soft", attempts(d)], ["soft mono path", d.link_id],
		],
		facts: (d) => ({
			"Token": [d.token, "copy"], "Link": [d.link_id, "copy"], "URL": [d.url, "copy"], "Key": [d.idempotency_key, "copy"],
			"Next attempt": [d.next && longTime(utc(d.next))],
			"Attempts": [(d.attempts ?? []).map((a, i) => `${i + 1}. ${longTime(utc(a.at))}  ${outcome(a)}`).join("\n"), "code"],
			"Body": [pretty(d.body), "code"],
		}),
	},
};

const query = (values) => (values ? "?" + new URLSearchParams(Object.entries(values).flatMap(([k, vs]) => vs.map((v) => [k, v]))) : "");
const statusClass = (status) => (status >= 200 && status < 400 ? "good" : "bad");
const outcome = (attempt) => attempt.error ?? (attempt.status ? String(attempt.status) : "under way");

function attempts(d) {
	const n = d.attempts?.length ?? 0;
	return n === 0 ? "not sent" : `${n} ${n === 1 ? "attempt" : "attempts"}: ${outcome(d.attempts[n - 1])}`;
}

// ---- Rows

class Row {
	constructor(kind, item) {
		this.kind = kind;
		this.summary = make("summary");
		this.details = make("details", {}, this.summary);
		this.element = make("li", {}, this.details);
		this.details.addEventListener("toggle", () => this.details.open && this.fill());
		this.update(item);
	}

	/** Shows an item. Unchanged elements stay, so that they keep the focus. */
	update(item) {
		if (this.item === item) {
			return;
		}
		this.item = item;
		const cells = this.kind.head(item).filter(([, text]) => text !== "");
		while (this.summary.childElementCount > cells.length) {
			this.summary.lastElementChild.remove();
		}
		for (const [i, [name, text]] of cells.entries()) {
			const cell = this.summary.children[i] ?? this.summary.appendChild(make("span"));
			cell.className = name;
			setText(cell, text);
		}
		if (this.facts) {
			this.showFacts();
		}
	}

	/** Makes the content below the summary when the row is first opened. */
	fill() {
		if (this.facts) {
			return;
		}
		this.facts = make("dl", { class: "facts" });
		this.values = new Map();
		this.showFacts();
		const body = make("div", { class: "body" }, this.facts);
		if (this.kind.forms) {
			const forms = make("div", { class: "forms" });
			forms.append(byID("forms-" + this.kind.forms).content.cloneNode(true));
			for (const form of forms.querySelectorAll("form")) {
				bind(form, this.kind.key(this.item), (result) => done(result, forms));
			}
			body.append(forms);
		}
		this.details.append(body);
	}

	showFacts() {
		const facts = Object.entries(this.kind.facts(this.item)).filter(([, [text]]) => text);
		for (const [i, [label, [text, as]]] of facts.entries()) {
			let value = this.values.get(label);
			if (!value) {
				value = as === "code" ? box("", label).firstElementChild : make("span", { class: as ? "mono" : "" });
				const button = as ? copyButton(label) : "";
				const line = make("div", { class: "copied" + (as === "code" ? " code" : "") }, value, button);
				const next = facts.slice(i + 1).find(([name]) => this.values.has(name));
				this.facts.insertBefore(make("div", {}, make("dt", {}, label), make("dd", {}, line)),
					next ? this.values.get(next[0]).closest("dl > div") : null);
				this.values.set(label, value);
			}
			setText(value, text);
		}
		for (const [label, value] of this.values) {
			if (!facts.some(([name]) => name === label)) {
				value.closest("dd").parentElement.remove();
				this.values.delete(label);
			}
		}
	}
}

// ---- Lists

class Panel {
	constructor(name) {
		this.name = name;
		this.kind = kinds[name];
		this.root = byID(name);
		this.list = this.root.querySelector(".rows");
		this.filter = this.root.querySelector("input[type=search]");
		this.more = this.root.querySelector("[data-more]");
		this.pause = this.root.querySelector("[data-pause]");
		this.items = []; // the oldest first
		this.rows = new Map();
		this.limit = step;
		this.total = 0; // including items that are no longer kept
		this.frozen = null; // the shown items while the list is paused
		this.filter.addEventListener("input", () => {
			this.limit = step;
			this.render();
		});
		this.more.addEventListener("click", () => {
			this.limit += step;
			this.render();
		});
		this.pause?.addEventListener("click", () => {
			this.frozen = this.frozen ? null : { items: [...this.items], total: this.total };
			this.pause.toggleAttribute("data-paused", this.frozen !== null);
			this.render();
		});
	}

	set(items, total) {
		this.items = items;
		this.total = total ?? items.length;
		this.changed();
	}

	/** Adds an item, or replaces the one with the same key. */
	put(item) {
		const key = this.kind.key(item);
		const i = this.items.findLastIndex((other) => this.kind.key(other) === key);
		if (i >= 0) {
			this.items[i] = item;
		} else {
			this.items.push(item);
			this.total++;
		}
		if (this.items.length > 2 * most) { // not for each item, which would move all
			this.items.splice(0, this.items.length - most);
		}
		this.changed();
	}

	changed() {
		this.timer ??= setTimeout(() => {
			this.timer = undefined;
			this.render();
		}, renderDelay);
	}

	/** Reports whether an item contains all words of the filter. */
	matches(item, words) {
		const text = this.kind.head(item).map(([, cell]) => cell).concat(this.kind.key(item)).join(" ").toLowerCase();
		return words.every((word) => text.includes(word));
	}

	render() {
		const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
		const items = (this.frozen?.items ?? this.items).slice(-most);
		const found = words.length ? items.filter((item) => this.matches(item, words)) : items;
		const wanted = new Map(found.slice(-this.limit).reverse().map((item) => [this.kind.key(item), item]));
		const keys = new Set(found.map(this.kind.key));
		for (const [key, row] of this.rows) {
			if (!wanted.has(key) && !(this.isUsed(row) && (keys.has(key) || this.isPast(row, items, words)))) {
				this.drop(key, row);
			}
		}
		let next = this.list.firstElementChild;
		for (const [key, item] of wanted) {
			let row = this.rows.get(key);
			if (row) {
				row.update(item);
			} else {
				row = new Row(this.kind, item);
				this.rows.set(key, row);
			}
			if (row.element === next) {
				next = next.nextElementSibling;
			} else {
				this.list.insertBefore(row.element, next);
			}
		}
		this.showCounts(found.length, wanted.size, words.length > 0);
	}

	/** Reports whether a row is open or has the focus. */
	isUsed(row) {
		return row.details.open || row.element.contains(document.activeElement);
	}

	/** Reports whether the item of a row is only missing because it is too old to be kept. */
	isPast(row, items, words) {
		return this.name === "requests" && row.item.number < (items[0]?.number ?? 0) && this.matches(row.item, words);
	}

	drop(key, row) {
		const focused = row.element.contains(document.activeElement);
		row.element.remove();
		this.rows.delete(key);
		if (focused) {
			byID(this.name + "-title").focus();
		}
	}

	showCounts(found, shown, filtered) {
		for (const count of document.querySelectorAll(`[data-count="${this.name}"]`)) {
			setText(count, this.total.toLocaleString("en"));
		}
		const kept = Math.min(this.items.length, most);
		const from = this.total > kept ? `the last ${kept.toLocaleString("en")}` : kept.toLocaleString("en");
		const text = filtered ? `${found.toLocaleString("en")} of ${from} match; ${shown} shown` : `${shown} of ${from} shown`;
		setText(this.root.querySelector(".shown"), found > shown || filtered ? text : "");
		this.more.hidden = found <= shown;
		const empty = this.root.querySelector(".empty");
		this.emptyText ??= empty.textContent;
		empty.hidden = found > 0;
		setText(empty, filtered && kept > 0 ? "Nothing matches the filter." : this.emptyText);
		if (this.pause) {
			const waiting = this.frozen ? this.total - this.frozen.total : 0;
			setText(this.pause, this.frozen ? `Resume (${waiting.toLocaleString("en")} new)` : "Pause");
		}
	}
}

const panels = Object.fromEntries(Object.keys(kinds).map((name) => [name, new Panel(name)]));

// ---- Reading

const stale = new Set(); // names of the lists to read again
let reading = false;
let timer;
let pace = renderDelay; // milliseconds between reads
let since; // events that arrived during a read
let advance; // how far the clock was moved
let ahead = 0; // milliseconds between the clock of the sandbox and this machine's

const readers = {
	async state() {
		const state = await call("state");
		ahead = Date.parse(state.now) - Date.now();
		showClock();
		for (const element of document.querySelectorAll("[data-state]")) {
			setText(element, state[element.dataset.state] ?? "");
		}
		setText(byID("ahead"), state.advance === "0s" ? "" : "+" + state.advance.replace(/(?<=\D)0s$/, "").replace(/(?<=\D)0m$/, ""));
		if (state.advance !== advance) { // Deliveries may have been given up, which causes no event.
			advance = state.advance;
			stale.add("deliveries");
		}
		for (const name of ["links", "sessions", "deliveries"]) {
			panels[name].total = state[name];
			panels[name].changed();
		}
	},
	async links() { panels.links.set(await call("links?last=" + most), panels.links.total); },
	async sessions() { panels.sessions.set(await call("sessions?last=" + most), panels.sessions.total); },
	async requests() {
		const requests = await call("requests?last=" + most);
		panels.requests.set(requests, requests.at(-1)?.number ?? 0);
	},
	async deliveries() { panels.deliveries.set(await call("deliveries?last=" + most), panels.deliveries.total); },
};

function showClock() {
	const now = new Date(Date.now() + ahead);
	if (!Number.isNaN(now.getTime())) {
		setText(byID("now"), longTime(now.toISOString()));
	}
}

/** Reads lists soon. Slow reads are less frequent. */
function refresh(...names) {
	for (const name of names) {
		stale.add(name);
	}
	if (!reading) {
		timer ??= setTimeout(readAll, pace);
	}
}

async function readAll() {
	timer = undefined;
	reading = true;
	const names = [...stale];
	stale.clear();
	since = [];
	const began = performance.now();
	const trouble = byID("trouble");
	try {
		await Promise.all(names.map((name) => readers[name]()));
		since.forEach(apply);
		pace = Math.min(Math.max(renderDelay, 3 * (performance.now() - began)), 5000);
		trouble.hidden = true;
	} catch (error) {
		names.forEach((name) => stale.add(name));
		pace = 1000;
		setText(trouble, error.message);
		trouble.hidden = live.dataset.live !== "on"; // else #live says so
	}
	since = undefined;
	reading = false;
	if (stale.size > 0) {
		refresh();
	}
}

/** Applies an event. It may have been applied before. */
function apply({ kind, data }) {
	if (kind === "delivery") {
		panels.deliveries.put(data);
		return;
	}
	const { items } = panels.requests;
	if (data.number > (items.at(-1)?.number ?? 0)) {
		panels.requests.put({ ...data.request, number: data.number, refusal: data.refusal });
		panels.requests.total = data.number;
	}
}

/** Is called after a verb. It fills the return URL of authorize into the form of continue. */
function done(result, forms) {
	refresh("state", "links", "sessions");
	const field = forms?.querySelector("[data-path=return_url]");
	if (field && result.return_url) {
		field.value = result.return_url;
		field.dispatchEvent(new Event("input", { bubbles: true }));
	}
}

// ---- Live

const live = byID("live");

function setLive(on) {
	live.dataset.live = on ? "on" : "off";
	setText(live, on ? "Live" : "Reconnecting…");
}

let events;

function listen() {
	events = new EventSource("/control/events");
	const hear = (kind) => (event) => {
		const heard = { kind, data: parse(event.data) };
		since?.push(heard);
		apply(heard);
	};
	events.addEventListener("open", () => {
		setLive(true);
		pace = renderDelay;
		refresh(...Object.keys(readers));
	});
	events.addEventListener("request", hear("request"));
	events.addEventListener("delivery", hear("delivery"));
	events.addEventListener("change", () => refresh("state", "links", "sessions"));
	events.addEventListener("error", () => {
		setLive(false);
		if (events.readyState === EventSource.CLOSED) { // The browser does not reconnect by itself.
			setTimeout(() => events.readyState === EventSource.CLOSED && listen(), 1000);
		}
	});
}

// Browsers allow few connections to a server, so pages in the background close theirs.
document.addEventListener("visibilitychange", () => {
	events.close();
	if (!document.hidden) {
		listen();
	}
});

setInterval(() => live.dataset.live === "on" && showClock(), 1000);
setInterval(() => live.dataset.live === "on" && !document.hidden && refresh("state", "links", "sessions"), slowRefresh);

for (const form of document.querySelectorAll("form.verb")) {
	bind(form, undefined, done);
}
listen();
