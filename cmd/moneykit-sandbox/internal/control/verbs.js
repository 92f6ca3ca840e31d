// The forms of the page: what they send to the control API, and the subcommand that does the same.

/** Makes an element. Strings become text, so nothing is read as HTML. */
export function make(name, attributes = {}, ...children) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		element.setAttribute(key, value);
	}
	element.append(...children);
	return element;
}

/** Sets the text of an element, unless it is the same, so that a selection stays. */
export function setText(element, text) {
	if (element.textContent !== text) {
		element.textContent = text;
	}
}

/** Announces a text to users of screen readers. */
export function say(text) {
	document.getElementById("said").textContent = text;
}

/** Makes a button that copies the text before it. */
export function copyButton(what) {
	return make("button", { type: "button", class: "small", "data-copy": "", "aria-label": "Copy " + what }, "Copy");
}

async function copy(button) {
	const source = button.previousElementSibling;
	let copied = false;
	try {
		await navigator.clipboard.writeText(source.textContent);
		copied = true;
	} catch { // Without TLS, browsers allow the clipboard only for localhost.
		getSelection().selectAllChildren(source);
		copied = document.execCommand("copy");
	}
	say(copied ? "Copied" : "Copying is not possible here; the text is selected");
	setText(button, copied ? "Copied" : "Selected");
	setTimeout(() => setText(button, "Copy"), 2000);
}

document.addEventListener("click", (event) => {
	const button = event.target.closest("[data-copy]");
	if (button) {
		copy(button);
	}
});

/** Parses JSON. Numbers keep their text if the browser supports it. */
export function parse(text) {
	return JSON.parse(text, (_, value, context) => {
		const source = typeof value === "number" ? context?.source : undefined;
		return source && source !== String(value) && JSON.rawJSON ? JSON.rawJSON(source) : value;
	});
}

/** Returns an argument, quoted for shells. */
function quote(text) {
	return /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", `'\\''`) + "'";
}

/** Sets the member of an object at a path such as add.0.amount. */
function setMember(object, path, value) {
	const names = path.split(".");
	const last = names.pop();
	for (const [i, name] of names.entries()) {
		object[name] ??= (names[i + 1] ?? last) === "0" ? [] : {};
		object = object[name];
	}
	object[last] = value;
}

/** A mistake in a field. The field is marked and gets the focus. */
class FieldError extends Error {
	constructor(field, text) {
		super(text);
		this.field = field;
	}
}

/** Returns the value of a field, undefined if it is left empty, and the argument of its flag. */
function read(field) {
	const text = field.value?.trim() ?? "";
	switch (field.dataset.kind) {
	case "check":
		return field.checked ? [true, null] : [];
	case "checks": {
		const chosen = [...field.querySelectorAll("input:checked")].map((box) => box.value);
		return chosen.length ? [chosen, chosen.join(",")] : [];
	}
	case "words": {
		const words = text.split(",").map((word) => word.trim()).filter(Boolean);
		return words.length ? [words, words.join(",")] : [];
	}
	case "number":
		if (text && !/^-?\d{1,9}$/.test(text)) {
			throw new FieldError(field, "This takes a number.");
		}
		return text ? [Number(text), text] : [];
	case "json":
		try {
			return text ? [parse(text), text] : [];
		} catch (error) {
			throw new FieldError(field, "This is not JSON: " + error.message);
		}
	default:
		return text ? [text, text] : [];
	}
}

/** Returns the parameters in a form, and the flags of the subcommand. */
function collect(form, target) {
	const params = {};
	const flags = [];
	const whole = new Map(); // flags that take the JSON of a member
	if (form.dataset.target) {
		params[form.dataset.target] = target;
		flags.push("-" + form.dataset.flag, quote(target));
	}
	for (const field of form.querySelectorAll("[data-path]")) {
		const [value, argument] = read(field);
		if (value === undefined) {
			continue;
		}
		const { path, flag } = field.dataset;
		setMember(params, path, value);
		if ("whole" in field.dataset) {
			whole.set(flag, path.split(".")[0]);
		} else if (flag) {
			flags.push("-" + flag, ...(argument === null ? [] : [quote(argument)]));
		}
	}
	for (const [flag, member] of whole) {
		flags.push("-" + flag, quote(JSON.stringify(params[member])));
	}
	return [params, flags];
}

function hint(form, target) {
	try {
		const control = location.origin === "http://localhost:8788" ? [] : ["-control", location.origin];
		return ["moneykit-sandbox", form.dataset.verb, ...collect(form, target)[1], ...control].join(" ");
	} catch {
		return "moneykit-sandbox " + form.dataset.verb + " -h";
	}
}

/** Calls the control API. The messages of errors are for people. */
export async function call(path, params) {
	let response;
	let text;
	try {
		response = await fetch("/control/" + path, params && {
			method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(params),
		});
		text = await response.text();
	} catch {
		throw new Error("The sandbox does not respond. Is it running?");
	}
	let result;
	try {
		result = parse(text);
	} catch {
		throw new Error(`The response is not from the control API (${response.status}).`);
	}
	if (!response.ok) {
		throw new Error(result.error_message || `The response is ${response.status}.`);
	}
	return result;
}

/** Returns the command that sends a webhook. */
function curl({ method, url, header, body }) {
	const headers = Object.entries(header).flatMap(([name, values]) => values.map((value) => ["-H", quote(`${name}: ${value}`)])).flat();
	return ["curl", "--globoff", "-i", "-X", method, ...headers, "--data-raw", quote(body), quote(url)].join(" ");
}

/** Makes text in a box with a button to copy it. */
export function box(text, what) {
	return make("div", { class: "copied code" }, make("pre", { tabindex: "0", "aria-label": what }, text), copyButton(what));
}

/** Shows the result of a verb. */
function showResult(outcome, result) {
	const parts = [];
	if (result.method && result.header) {
		parts.push(box(curl(result), "the command that sends the webhook"));
	}
	for (const name of ["link_id", "exchangeable_token", "return_url"]) {
		if (typeof result[name] === "string") {
			parts.push(make("div", { class: "copied" }, make("span", { class: "soft" }, name), make("code", {}, result[name]), copyButton(name)));
		}
	}
	if (Object.keys(result).length > 0) {
		parts.push(make("details", { class: "fold" }, make("summary", {}, "Result"), box(JSON.stringify(result, null, 2), "the result")));
	}
	outcome.replaceChildren(outcome.firstElementChild, ...parts);
}

/** Returns a short summary of a result. */
function summary(result) {
	if (Array.isArray(result)) {
		return `Done: ${result.length} sent.`;
	}
	if (result.events) {
		return result.link_id ? "Done: the user is linked." : "Connect has ended without a link. The result says why.";
	}
	return result.now ? "Done: it is " + result.now.slice(0, 19).replace("T", " ") + "." : "Done.";
}

/**
 * Adds the behavior of a form. target is the value of its row, if any. done is called after each
 * success.
 */
export function bind(form, target, done) {
	const code = form.querySelector(".hint code");
	const problem = form.querySelector(".problem");
	const outcome = form.querySelector(".outcome");
	const button = form.querySelector(".go button");
	const status = outcome.firstElementChild;
	const showHint = () => { // Each argument stays on its line, if it fits.
		code.replaceChildren(...hint(form, target).split(" ").flatMap((word, i) => [i > 0 ? " " : "", make("span", {}, word)]));
	};
	const fail = (error) => {
		setText(problem, error.message);
		if (error.field) {
			error.field.setAttribute("aria-invalid", "true");
			error.field.closest("details")?.setAttribute("open", "");
			error.field.focus();
		}
	};
	let busy = false;
	form.addEventListener("input", showHint);
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		if (busy) {
			return;
		}
		setText(problem, "");
		setText(status, "");
		outcome.replaceChildren(status);
		for (const field of form.querySelectorAll("[aria-invalid]")) {
			field.removeAttribute("aria-invalid");
		}
		busy = true; // and not disabled, which would lose the focus
		button.setAttribute("aria-disabled", "true");
		try {
			const [params] = collect(form, target);
			const result = await call(form.dataset.verb, params);
			showResult(outcome, result);
			setText(status, summary(result));
			done(result, form);
		} catch (error) {
			fail(error);
		}
		busy = false;
		button.removeAttribute("aria-disabled");
	});
	showHint();
}
