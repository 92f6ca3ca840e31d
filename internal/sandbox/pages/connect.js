// The user interface of Connect, in the frame that the front-end package @moneykit/connect opens.
// The server decides which screen follows and renders it; this script shows it and sends the steps.

const root = document.documentElement;
const main = document.querySelector("main");
const byID = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const token = query.get("linkSessionToken") ?? "";
const isURL = (text) => /^https?:/i.test(text) && URL.canParse(text);
const app = query.get("origin");
const origin = isURL(app) && new URL(app).origin === app ? app : "";

const searchDelay = 600; // milliseconds until a search term is reported
const progressDelay = 400;
const stepTimeout = 20_000;
const leaveTimeout = 1000;
const maxTerm = 200;

function post(message) {
	parent.postMessage(message, origin);
}

function say(text) {
	byID("live").textContent = text;
}

// The state that survives a reload of the tab. If storage is forbidden, it stays in memory.
const key = "moneykit.connect." + token.slice(-12);
let kept = { visit: crypto.getRandomValues(new Uint32Array(4)).join("-"), seen: 0 };
try {
	kept = { ...kept, ...JSON.parse(sessionStorage.getItem(key)) };
} catch { /* a new visit */ }

function keep(seen) {
	kept.seen = seen;
	try {
		sessionStorage.setItem(key, JSON.stringify(kept));
	} catch { /* stays in memory */ }
}

// ---- Theme

// kinds are the CSS properties for which values must be valid, by the suffix of their names. All
// others are colors.
const kinds = Object.entries({
	border: "border", radius: "border-radius", shadow: "box-shadow", inset: "padding-left", spacing: "padding-left", height: "height",
	width: "opacity", diameter: "opacity", cap: "stroke-linecap", filter: "backdrop-filter", family: "font-family",
});
// known are the members of a theme that become custom properties.
const known = {
	colors: "accent primaryBackground primaryContent secondaryContent primaryForeground secondaryForeground"
		+ " secondaryFill tertiaryFill success error separator selection",
	typography: "fontFamily",
	spacing: "contentHorizontalInset buttonHorizontalInset",
	"components.navigationBar": "height",
	"components.contentView": "borderRadius boxShadow border",
	"components.button": "height borderRadius",
	"components.searchInput": "backgroundColor height borderRadius border",
	"components.searchInput.focus": "backgroundColor border boxShadow",
	"components.textField": "backgroundColor height borderRadius boxShadow",
	"components.textField.focus": "backgroundColor border boxShadow",
	"components.progressSpinner": "strokeWidth diameter lineCap color",
	"components.icon": "lineCap",
	"components.separator": "height",
	"components.checkbox": "offColor onColor",
	"components.radio": "offColor onColor",
	"components.connectedIcon": "color",
	"screens.finder": "institutionCellBackgroundColor institutionCellBorder institutionCellBorderRadius institutionCellBoxShadow institutionCellSpacing",
	modal: "borderRadius boxShadow overlayBackgroundColor overlayBackdropFilter",
	popover: "borderRadius boxShadow",
};
// none are the values for null.
const none = { color: "transparent", "border-radius": "0px", "box-shadow": "0 0 transparent", border: "1px solid transparent", "backdrop-filter": "none" };

let theme = {};
let scheme = "auto";
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => scheme === "dark" || (scheme === "auto" && systemDark.matches);
const isObject = (value) => typeof value === "object" && value !== null;

/** Returns the value at a path of the theme, with {light, dark} resolved. Inherited members are ignored. */
function themed(...path) {
	let value = theme;
	for (const name of path) {
		value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
	}
	const mode = isDark() ? "dark" : "light";
	return isObject(value) && Object.hasOwn(value, mode) ? value[mode] : value;
}

const themedText = (...path) => {
	const value = themed(...path);
	return typeof value === "string" && value.trim() ? value.slice(0, 200) : "";
};

function setProperties() {
	for (const [group, members] of Object.entries(known)) {
		for (const name of members.split(" ")) {
			const kind = kinds.find(([end]) => name.toLowerCase().endsWith(end))?.[1] ?? "color";
			let value = themed(...group.split("."), name);
			if (value === null && !group.endsWith("focus")) { // A field without a style for focus keeps its own.
				value = none[kind];
			}
			if (kind === "box-shadow" && value === "none") {
				value = none[kind]; // The word cannot be part of a list of shadows.
			}
			root.style.setProperty(`--${group}-${name}`.replace(/(colors|typography|spacing|components|screens)[-.]/, "").replace(".", "-"), valid(kind, value));
		}
	}
}

/** Returns a value as CSS, "" if a property of that kind cannot have it. */
function valid(kind, value) {
	const css = Number.isFinite(value) || typeof value === "string" ? String(value).trim() : "";
	// CSS.supports accepts these as any value, or as a part of it.
	return css.length <= 500 && !/[;{}\\]|\/\*|^(inherit|initial|revert|unset)|\b(url|var|env|attr|image-set)\s*\(/i.test(css) && CSS.supports(kind, css) ? css : "";
}

// fonts are the weights, sizes, line heights and letter spacings of our default theme.
const fonts = {
	title2: [700, "1.5rem", 1.25, "-.015em"], title3: [700, "1.25rem", 1.3, "-.01em"], body: [400, "1rem", 1.5, "normal"],
	smallBody: [400, ".8125rem", 1.4, "normal"], button: [600, "1rem", 1.5, "normal"], input: [400, "1rem", 1.5, "normal"],
};

function setFonts() {
	for (const [name, [weight, size, line, spacing]] of Object.entries(fonts)) {
		const part = (property, member, normal) => valid(property, themed("typography", name, member)) || normal;
		const sized = part("font-size", "size", size);
		root.style.setProperty(name === "button" ? "--button-font" : "--" + name, // --button is a color
			`${part("font-weight", "weight", weight)} ${name === "input" ? `max(16px, ${sized})` : sized}/${part("line-height", "lineHeight", line)} `
			+ part("font-family", "fontFamily", "var(--fontFamily)"));
		root.style.setProperty(`--${name}-spacing`, part("letter-spacing", "letterSpacing", spacing));
	}
}

/** Returns the URL of an image of the theme. The relative URLs of the default theme are ours. */
function image(name) {
	const value = themed("images", name);
	if (typeof value !== "string" || value.length > 200_000) {
		return "";
	}
	if (/^data:image\//i.test(value)) {
		return value.replace(/["\\\s]/g, encodeURIComponent);
	}
	return isURL(value) ? new URL(value).href : "";
}

function applyTheme() {
	document.body.style.colorScheme = scheme === "auto" ? "light dark" : scheme;
	setProperties();
	setFonts();
	for (const field of ["searchInput", "textField"]) {
		root.style.setProperty(`--${field}-focus-glow`, themed("components", field, "focus", "glow") === false ? "0px" : "4px");
	}
	root.dataset.search = themed("components", "searchInput", "alignment") === "center" ? "center" : "left";
	root.dataset.separators = String(themed("components", "contentView", "separatorStyle")).slice(0, 20);
	const inputs = ["checkbox", "checkboxChecked", "radio", "radioChecked"].filter((name) => {
		root.style.setProperty("--images-" + name, image(name) ? `url("${image(name)}")` : "none");
		return image(name);
	});
	root.dataset.images = inputs.join(" ");
	applyColors();
	applyContent();
}

/** Fills in the texts and images of the theme. */
function applyContent() {
	for (const element of main.querySelectorAll("[data-text]")) {
		const { text } = element.dataset; // title, subtitle, continueTitle or doneTitle
		const group = text.endsWith("Title") ? ["components", "button"] : ["screens", "finder"];
		const normal = element.dataset.normal ??= element.textContent;
		element.textContent = themedText(...group, text) || normal;
		element.hidden = !element.textContent;
	}
	const search = byID("search");
	if (search) {
		search.placeholder = themedText("screens", "finder", "searchPlaceholder") || search.getAttribute("aria-label");
	}
	for (const element of document.querySelectorAll("[data-image]")) {
		const src = image(element.dataset.image);
		let img = element.querySelector("img");
		if (!src) {
			img?.remove();
		} else if (img?.getAttribute("src") !== src) {
			img ??= element.appendChild(new Image());
			img.alt = element.dataset.image === "navLogo" ? "MoneyKit" : "";
			img.addEventListener("error", () => img.remove(), { once: true });
			img.src = src;
		}
	}
}

// ---- Readable colors

const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

/** Returns red, green and blue of colors of CSS that are painted over each other. */
function paint(...layers) {
	canvas.fillStyle = isDark() ? "#000" : "#fff";
	canvas.fillRect(0, 0, 1, 1);
	for (const layer of layers) {
		canvas.fillStyle = "transparent";
		canvas.fillStyle = layer;
		canvas.fillRect(0, 0, 1, 1);
	}
	return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

function luminance(rgb) {
	const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
	const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
	return (high + 0.05) / (low + 0.05);
}

const [black, white] = [[0, 0, 0], [255, 255, 255]];
const css = (rgb) => `rgb(${rgb.join(" ")})`;

/** Mixes a color with another, as little as possible, until it is readable on all backgrounds. */
function readable(rgb, toward, backgrounds) {
	for (let part = 0; part <= 1; part += 0.05) {
		const mixed = rgb.map((c, i) => Math.round(c + (toward[i] - c) * part));
		if (backgrounds.every((b) => contrast(mixed, b) >= 4.55)) {
			return mixed;
		}
	}
	return toward;
}

/** Returns a background as close as possible to a color, and text that is readable on it. */
function buttonColors(rgb) {
	const fit = contrast(rgb, white);
	if (fit < 3) {
		return [rgb, [17, 17, 17]];
	}
	return [fit >= 4.5 ? rgb : readable(rgb, black, [white]), white];
}

// grounds are the backgrounds of texts besides the surface.
const grounds = ("primaryContent secondaryContent secondaryFill tertiaryFill finder-institutionCellBackgroundColor"
	+ " searchInput-backgroundColor searchInput-focus-backgroundColor textField-backgroundColor textField-focus-backgroundColor").split(" ");

function applyColors() {
	const probe = document.body.appendChild(document.createElement("i"));
	const of = (name) => {
		probe.style.color = `var(--${name}, transparent)`;
		return getComputedStyle(probe).color;
	};
	const surface = of("primaryBackground");
	const base = paint(surface);
	const strong = readable(paint(surface, of("primaryForeground")), contrast(black, base) > contrast(white, base) ? black : white, [base]);
	for (const name of grounds) { // Those on which no text can be read come closer to the surface.
		const own = css(paint(surface, of(name)));
		const near = css(readable(paint(own), base, [strong]));
		if (near !== own) {
			root.style.setProperty("--" + name, near);
		}
	}
	const filled = ["primaryContent", "secondaryContent"].map((name) => [of(name), of("tertiaryFill")]);
	const backgrounds = [[], ...filled, ...grounds.map((name) => [of(name)])].map((layers) => paint(surface, ...layers));
	const tint = paint(surface, of("primaryContent"), `color-mix(in srgb, ${of("accent")} 12%, transparent)`);
	const bank = main.querySelector(".screen")?.dataset.color;
	const accent = themed("components", "button", "inheritInstitutionColor") === true && bank ? bank : of("accent");
	const text = (name, ...more) => readable(paint(surface, of(name)), strong, [...backgrounds, ...more]);
	const [button, onButton] = buttonColors(paint(surface, accent));
	const [danger, onDanger] = buttonColors(paint(surface, of("error")));
	for (const [name, rgb] of Object.entries({
		surface: base, text: strong, soft: text("secondaryForeground"), link: text("accent", tint), bad: text("error"),
		button, "on-button": onButton, danger, "on-danger": onDanger,
	})) {
		root.style.setProperty("--" + name, css(rgb));
	}
	probe.remove();
}

// ---- Steps

// returned is the URL to which the bank sent the user.
let returned = (location.pathname === "/continue" && query.get("redirectURL")) || "";
let screen = 0;
let shown = null; // the HTML of the screen
let over = false;
let ended = false; // as reported to the application
let steps = 0;
let busy = false; // with a step of the user
let queue = Promise.resolve();
let timer; // of a screen that continues by itself

async function send(action, values, number, timeout = stepTimeout) {
	const response = await fetch("/connect/step", {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		signal: AbortSignal.timeout(timeout),
		body: JSON.stringify({
			link_session_token: token, visit: kept.visit, seen: kept.seen, screen, step: number, action, values,
			application_name: query.get("applicationName") ?? "", redirect_url: returned,
		}),
	});
	const answer = response.ok ? await response.json() : null;
	if (!Array.isArray(answer?.messages)) {
		throw new Error("Connect: the server sent no screen");
	}
	return answer;
}

/** Runs a step after the earlier ones. The user can retry a failed step. */
function step(action, values = {}) {
	const background = action === "search" || action === "poll";
	if (over || (busy && !background)) {
		return;
	}
	if (!background) {
		setBusy(true);
	}
	const at = screen;
	const number = action === "open" ? 0 : ++steps; // A step keeps its number when it is resent.
	queue = queue.then(async () => {
		let next;
		while (!next && !over && at === screen) {
			try {
				next = await send(action, values, number);
			} catch {
				if (over || action === "search") {
					break; // The next step does not depend on it.
				}
				setBusy(false, true);
				await retryWanted();
				setBusy(!background);
			}
		}
		if (next && (!over || next.over)) {
			show(next);
		}
		if (!background) {
			setBusy(false);
		}
	});
}

let progress;

function setBusy(on, failed = false) {
	busy = on || failed;
	clearTimeout(progress);
	byID("progress").hidden = true;
	if (on) {
		progress = setTimeout(() => { byID("progress").hidden = false; }, progressDelay);
	}
	main.ariaBusy = on;
	// Disabled buttons lose the focus, so they only look and act disabled.
	for (const button of document.querySelectorAll("main button, #back")) {
		button.ariaDisabled = busy || null;
	}
}

function retryWanted() {
	const trouble = byID("trouble");
	trouble.replaceChildren(byID("unreachable").content.cloneNode(true));
	return new Promise((resolve) => {
		const again = () => {
			removeEventListener("online", again);
			trouble.replaceChildren();
			resolve();
		};
		trouble.querySelector("button").addEventListener("click", again);
		addEventListener("online", again);
	});
}

/** Posts the messages of a response. An earlier response may contain some of the events. */
function deliver({ messages, first: event = 0, seen = 0, over: last = false, step: number = 0 }) {
	if (ended) {
		return;
	}
	ended = last;
	for (const message of messages) {
		if (message.type !== "link.event" || event++ >= kept.seen) {
			post(message);
		}
	}
	steps = Math.max(steps, number);
	keep(Math.max(kept.seen, seen));
}

function show(answer) {
	deliver(answer);
	if (answer.over) {
		over = true;
		clearTimeout(timer);
		main.replaceChildren();
		return;
	}
	const same = answer.screen === screen && answer.html === shown;
	screen = answer.screen;
	if (!same || main.querySelector("[aria-invalid]")) {
		clearTimeout(searching);
		shown = answer.html;
		main.innerHTML = shown;
		render();
	}
	schedule();
}

function render() {
	const form = main.querySelector(".screen");
	byID("back").hidden = !("back" in form.dataset);
	term = "";
	closeBank();
	applyContent();
	applyColors();
	prepareBanks();
	nameAll();
	const title = form.querySelector("h1");
	title.tabIndex = -1;
	document.title = title.textContent;
	const invalid = form.querySelector("[aria-invalid]");
	const first = invalid?.matches("fieldset") ? invalid.querySelector("input:enabled") : invalid;
	const touch = matchMedia("(pointer: coarse)").matches; // Its keyboard would cover the screen.
	(first ?? (touch ? null : form.querySelector("[data-focus]")) ?? title).focus({ preventScroll: !first });
	if (!form.contains(document.activeElement)) {
		title.focus();
	}
	const text = form.querySelector("#error:not([hidden]), .middle p")?.textContent.trim();
	say(title.textContent + (text ? ". " + text : ""));
}

/** Lets a screen continue by itself, but not while somebody uses the panel. */
function schedule() {
	clearTimeout(timer);
	const { after, then } = main.querySelector(".screen")?.dataset ?? {};
	if (then) {
		const wait = () => then === "done" && main.querySelector(".panel:focus-within");
		timer = setTimeout(() => wait() ? schedule() : step(then), after);
	}
}

/** Leaves without waiting for other steps. The application is told even if the server fails. */
async function leave() {
	if (over) {
		return;
	}
	over = true;
	clearTimeout(timer);
	closeBank();
	byID("trouble").replaceChildren();
	try {
		deliver(await send("leave", {}, 0, leaveTimeout));
	} catch {
		deliver({ messages: [{ moneykit: true, type: "link.exit", data: { error: null } }], over: true });
	}
	main.replaceChildren();
}

function close() {
	const how = main.querySelector(".screen")?.dataset.close;
	if (how === "done" && !busy) {
		step("done");
	} else if (how || !shown) {
		leave();
	} else {
		byID("leave").showModal();
	}
}

byID("leave").addEventListener("close", ({ target }) => {
	if (target.returnValue === "leave") {
		leave();
	}
	target.returnValue = "";
});
byID("close").addEventListener("click", close);
byID("back").addEventListener("click", () => step("back"));

main.addEventListener("submit", (event) => {
	event.preventDefault();
	const { action, list: name } = event.target.dataset;
	const data = new FormData(event.target);
	if (action) {
		step(action, name ? { [name]: data.getAll(name) } : Object.fromEntries(data));
	}
});

main.addEventListener("click", ({ target }) => {
	const button = target.closest("button");
	const { action, bank, reveal, leave: closing, all, clear } = button?.dataset ?? {};
	if (action && !busy) {
		if (action === "choose") {
			reportSearch();
		}
		step(action, button.name ? { [button.name]: button.value } : {});
	} else if (bank) {
		useBank(bank);
	} else if (reveal !== undefined) {
		const password = byID("password");
		const visible = password.type === "password";
		password.type = visible ? "text" : "password";
		button.ariaPressed = visible;
	} else if (closing !== undefined) {
		leave();
	} else if (all !== undefined) {
		const check = someUnchecked();
		boxes().forEach((box) => { box.checked = check; });
		nameAll();
	} else if (clear !== undefined) {
		clearSearch();
	}
});

const boxes = () => [...main.querySelectorAll("fieldset input:enabled")];
const someUnchecked = () => boxes().some((box) => !box.checked);

/** Sets the label of the button above the accounts. */
function nameAll() {
	main.querySelector("[data-all]")?.replaceChildren(someUnchecked() ? "Select all" : "Select none");
}
main.addEventListener("change", nameAll);

// ---- Keys

addEventListener("keydown", (event) => {
	const dialog = byID("leave");
	if (event.key === "Escape" && !dialog.open) {
		event.preventDefault();
		const panel = main.querySelector(".panel[open]");
		if (panel) {
			panel.open = false;
			panel.querySelector("summary").focus();
		} else if (typed() && document.activeElement === byID("search")) {
			clearSearch();
		} else {
			close();
		}
	} else if (event.key === "Tab") {
		const inside = dialog.open ? dialog : document.querySelector(".card");
		const all = [...inside.querySelectorAll("button, input, summary")].filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0);
		const [from, to] = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]];
		if (document.activeElement === from || (event.shiftKey && !all.includes(document.activeElement))) {
			event.preventDefault();
			to?.focus();
		}
	} else if (main.querySelector(".banks")) {
		moveInBanks(event);
	}
});

// ---- Finder

let term = ""; // the last reported one
let searching;
let rows = [];

const words = (s) => s.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
const typed = () => (byID("search")?.value ?? "").slice(0, maxTerm).trim();

function prepareBanks() {
	rows = [...main.querySelectorAll(".banks li")].map((row, order) => {
		const { label, keywords } = row.firstElementChild.dataset;
		return { row, order, name: words(label), all: words(`${label} ${keywords}`) };
	});
	if (rows.length) {
		filter();
	}
}

function filter() {
	const wanted = words(typed());
	const found = [];
	for (const bank of rows) {
		bank.row.hidden = !wanted.every((w) => bank.all.some((word) => word.startsWith(w)));
		if (!bank.row.hidden) {
			// The name counts more than the keywords, and its first word most.
			const named = wanted.filter((w) => bank.name.some((word) => word.startsWith(w))).length;
			const begins = wanted.length && bank.name[0]?.startsWith(wanted[0]) ? 1 : 0;
			found.push({ ...bank, score: 2 * named + begins + (bank.name.join() === wanted.join() ? 9 : 0) });
		}
	}
	found.sort((a, b) => b.score - a.score || a.order - b.order);
	main.querySelector(".banks").append(...found.map(({ row }) => row));
	main.querySelector(".featured").hidden = wanted.length > 0 || !main.querySelector(".featured li");
	main.querySelector(".all").hidden = wanted.length > 0;
	main.querySelector(".none").hidden = found.length > 0;
	main.querySelector(".banks").hidden = !found.length;
	shownBanks().forEach((bank, i) => { bank.tabIndex = i ? -1 : 0; });
	if (wanted.length) {
		say(found.length === 1 ? "1 bank found" : `${found.length || "No"} banks found`);
	}
}

function clearSearch() {
	byID("search").value = "";
	filter();
	byID("search").focus();
}

const shownBanks = () => [...main.querySelectorAll(".featured:not([hidden]) .bank, .banks li:not([hidden]) .bank")];

main.addEventListener("input", ({ target }) => {
	if (target.id === "search") {
		filter();
		clearTimeout(searching);
		searching = setTimeout(reportSearch, searchDelay);
	}
});

function reportSearch() {
	clearTimeout(searching);
	if (typed() !== term) {
		term = typed();
		step("search", { search_term: term });
	}
}

function moveInBanks(event) {
	const all = shownBanks();
	const search = byID("search");
	const at = all.indexOf(document.activeElement);
	const move = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
	if (at < 0 && !(event.key === "ArrowDown" && document.activeElement === search)) {
		return;
	}
	if (move !== undefined) {
		event.preventDefault();
		const next = move < 0 ? search : all[Math.min(move, all.length - 1)];
		if (next && next !== search) {
			all.forEach((bank) => { bank.tabIndex = bank === next ? 0 : -1; });
		}
		next?.focus();
	} else if (/^(Backspace|\S)$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
		search.focus(); // The field receives the key.
	}
}

// ---- The bank's window

let bankWindow = null;
let watch;

/** Closes the bank's window. */
function closeBank() {
	clearInterval(watch);
	bankWindow?.close();
	bankWindow = null;
}

function setBankState(state) {
	for (const element of main.querySelectorAll("[data-state]")) {
		element.hidden = !element.dataset.state.split(" ").includes(state);
	}
	if (!document.activeElement.checkVisibility() || document.activeElement === document.body) {
		main.querySelector(".actions button:not([hidden])")?.focus();
	}
	say([...main.querySelectorAll("div[data-state]:not([hidden])")].map((e) => e.textContent).join(" "));
}

function useBank(what) {
	const url = new URL(main.querySelector(".screen").dataset.url, location.href).href;
	if (what === "show" && bankWindow && !bankWindow.closed) {
		bankWindow.focus();
		return;
	}
	if (what === "here") {
		step("oauth");
		top.location.href = url;
		return;
	}
	// The name makes a second click reuse the window. Browsers open windows only during a click.
	bankWindow = open(url, "moneykit-bank-" + kept.visit, "popup,width=520,height=760");
	clearInterval(watch);
	if (!bankWindow) {
		setBankState("blocked");
		return;
	}
	bankWindow.focus();
	setBankState("open");
	step("oauth");
	// A bank can disown its opener, which looks like a closed window. So a return is still accepted.
	watch = setInterval(() => {
		if (bankWindow?.closed) {
			clearInterval(watch);
			setBankState("closed");
		}
	}, 500);
}

// ---- Messages

addEventListener("message", ({ source, origin: from, data: message }) => {
	if (message?.moneykit !== true) {
		return;
	}
	const redirect = message.eventData?.redirectURL;
	if (source && source === bankWindow && message.type === "link.resume" && typeof redirect === "string") {
		clearInterval(watch);
		bankWindow.close();
		busy = false; // A step that is still running is only the one that opened the window.
		returned = redirect;
		step("resume");
	} else if (source === parent && from === origin && isObject(message.data)) {
		const { theme: look, colorScheme } = message.data;
		if (message.type === "connect.set_theme" && isObject(look)) {
			theme = look;
		} else if (message.type === "connect.set_color_scheme" && ["light", "dark", "auto"].includes(colorScheme)) {
			scheme = colorScheme;
		}
		applyTheme();
	}
});
systemDark.addEventListener("change", applyTheme);

if (!origin || parent === window) {
	main.replaceChildren(byID("outside").content.cloneNode(true));
	byID("close").hidden = true;
	document.title = main.querySelector("h1").textContent;
} else {
	applyTheme();
	keep(kept.seen);
	post({ moneykit: true, type: "connect.started", data: {} });
	step("open");
}
