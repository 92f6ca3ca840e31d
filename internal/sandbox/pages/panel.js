// The tester's panel of Connect and of the bank's pages: a click on a test user fills in the form.

// Ignores double clicks and held keys that began on the screen before.
let clicked;
function guard(event) {
	const here = [...document.querySelectorAll("body.bank, .screen, dialog[open]")].at(-1);
	if ((event.repeat && event.key === "Enter") || (event.detail > 1 && (here !== clicked || here === document.body))) {
		event.preventDefault();
		event.stopImmediatePropagation();
	} else if (event.detail === 1) {
		clicked = here;
	}
}
addEventListener("click", guard, true);
addEventListener("keydown", guard, true);

addEventListener("click", (event) => {
	const button = event.target.closest?.("[data-fill]");
	if (!button) {
		return;
	}
	const form = document.querySelector("form.screen, main form");
	let submit = form?.querySelector("button.main:not([hidden])");
	for (const [name, value] of Object.entries(JSON.parse(button.dataset.fill))) {
		const fields = [...form?.elements ?? []].filter((field) => field.name === name);
		const bank = fields.findLast((field) => field.type === "button" && field.value === value); // of the list
		if (bank) {
			fill(form.elements.search_term, bank.dataset.label);
			submit = bank;
		} else if (fields[0]) {
			fill(fields[0], value);
		}
	}
	submit?.focus();
});

/** Fills in a field as typing does, so that event listeners are called. */
function fill(field, value) {
	field.value = value;
	field.dispatchEvent(new Event("input", { bubbles: true }));
}
