package pages

import "html/template"

// icon returns an icon in the color of the text.
func icon(name string) template.HTML {
	shapes := map[string]string{
		"back":         `<path d="m15 5-7 7 7 7"/>`,
		"close":        `<path d="m6 6 12 12M18 6 6 18"/>`,
		"search":       `<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>`,
		"next":         `<path d="m9 6 6 6-6 6"/>`,
		"check":        `<path d="m6 12.5 4 4 8-9"/>`,
		"alert":        `<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.4v.1"/>`,
		"bank":         `<path d="M3 9.5 12 4l9 5.5zM5.5 9.5v8M10 9.5v8M14 9.5v8M18.5 9.5v8M3.5 20h17"/>`,
		"numbers":      `<path d="M5 9h15M4 15h15M10 4 8 20M16 4l-2 16"/>`,
		"balances":     `<rect x="3" y="6" width="18" height="13" rx="2.5"/><path d="M3 10h18M7 15h4"/>`,
		"identity":     `<circle cx="12" cy="8" r="4"/><path d="M4.5 20c.8-4 4-6 7.5-6s6.7 2 7.5 6"/>`,
		"transactions": `<path d="M4 8h15l-4-4M20 16H5l4 4"/>`,
		"investments":  `<path d="M4 18 10 11l4 4 6.5-8.5M15 6.5h5.5V12"/>`,
		"sms":          `<path d="M4 5h16v11H10l-5 4v-4H4z"/><path d="M8.5 10.5h.1M12 10.5h.1M15.5 10.5h.1"/>`,
		"email":        `<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3.5 7 8.5 6 8.5-6"/>`,
		"phone":        `<path d="M8.5 4H5a1 1 0 0 0-1 1c0 8.3 6.7 15 15 15a1 1 0 0 0 1-1v-3.5l-4.5-1.5-1.7 1.7a12 12 0 0 1-5.5-5.5L10 8.5z"/>`,
	}
	return template.HTML(`<svg class="i" viewBox="0 0 24 24" aria-hidden="true">` + shapes[name] + `</svg>`) //nolint:gosec // constant text
}

// badge returns the icon of a product, or of a way to send a code, and the name of the image of a
// theme that replaces it.
func badge(what string) template.HTML {
	image, name := "permissionBalances", "balances"
	switch what {
	case "account_numbers":
		image, name = "permissionAccountNumbers", "numbers"
	case "identity":
		image, name = "permissionIdentity", what
	case "transactions":
		image, name = "permissionTransactions", what
	case "investments":
		image, name = "permissionInvestments", what
	case "sms":
		image, name = "mfaSms", what
	case "email":
		image, name = "mfaEmail", what
	case "phone":
		image, name = "mfaPhone", what
	}
	return `<span class="badge" data-image="` + template.HTML(image) + `">` + icon(name) + `</span>` //nolint:gosec // constant text
}
