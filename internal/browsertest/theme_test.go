package browsertest

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// tell posts a message to Connect as the package does, and waits until it has been read.
func (s *stage) tell(kind, data string) {
	s.t.Helper()
	s.frame.do(`window.read = new Promise((done) => addEventListener("message", () => done(true), { once: true }))`)
	s.page.do(fmt.Sprintf(`document.querySelector("iframe").contentWindow.postMessage({ moneykit: true, type: "connect.%s", data: %s }, %q)`,
		kind, data, s.host.URL))
	eval[bool](s.frame, "read")
}

// wears changes the theme and the color scheme of the open Connect.
func (s *stage) wears(theme, scheme string) {
	s.t.Helper()
	s.tell("set_theme", "{ theme: "+theme+" }")
	s.tell("set_color_scheme", fmt.Sprintf("{ colorScheme: %q }", scheme))
}

// accented is the theme moneyui with another color for buttons and links.
func accented(color string) string {
	return fmt.Sprintf(`{ ...moneyui, colors: { ...moneyui.colors, accent: %q },
		components: { ...moneyui.components, button: { ...moneyui.components.button, inheritInstitutionColor: false } } }`, color)
}

func TestThemesAreReadable(t *testing.T) {
	t.Parallel()
	themes := map[string]string{
		"none": "{}", "moneyui": "moneyui", "own": ownTheme,
		"light yellow": accented("#ffffe0"), "black": accented("#000"), "white": accented("#fff"),
		"red": accented("#f00"), "gray": accented("#808080"), "see-through": accented("rgb(0 119 255 / .1)"),
		"without contrast": `{ colors: { accent: "#777", primaryBackground: "#808080", primaryContent: "#888", primaryForeground: "#808080",
			secondaryForeground: "#999", secondaryContent: "#787878", tertiaryFill: "#8f8f8f", error: "#a55", success: "#595" } }`,
	}
	for _, name := range []string{"finder", "permissions", "code", "accounts", "errors", "oauth"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "{}")
			s.seen = func(screen string) {
				if s.watched.ctx != s.frame.ctx || screen == "finder-search" {
					return
				}
				for name, theme := range themes {
					for _, scheme := range []string{"light", "dark"} {
						s.wears(theme, scheme)
						assert.Empty(t, unreadable(axe(s.frame, `{ runOnly: ["color-contrast", "link-in-text-block"] }`)),
							"%s with theme %s, %s", screen, name, scheme)
					}
				}
			}
			walks[name](s)
		})
	}
}

// style returns a computed style of the first element that a selector finds, or of a part such as
// ::before of it.
func style(b tab, selector, property string) string {
	b.t.Helper()
	selector, part, _ := strings.Cut(selector, "::")
	return eval[string](b, fmt.Sprintf("getComputedStyle(document.querySelector(%q), %q)[%q]", selector, strings.TrimRight("::"+part, ":"), property))
}

const picture = `"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='20' height='20'><circle cx='10' cy='10' r='9'/></svg>"`

// ownTheme has an unusual value for each member.
var ownTheme = strings.ReplaceAll(`{
	colors: {
		accent: { light: "#0a5d4c", dark: "#7fe0b5" }, primaryBackground: { light: "#fffaf0", dark: "#101820" },
		primaryForeground: { light: "#201000", dark: "#fff8f0" }, primaryContent: { light: "#fdf3e0", dark: "#182430" }, separator: "#010203",
		tertiaryFill: { light: "#f0e8d8", dark: "#203040" }, success: "#0a5d4c",
	},
	typography: {
		fontFamily: "Courier, monospace",
		title2: { size: "30px", lineHeight: "40px", letterSpacing: "1px", weight: 400 },
		body: { size: "18px", lineHeight: "27px", letterSpacing: "0.5px", weight: 500 },
		button: { fontFamily: "Georgia, serif", size: "20px", lineHeight: "30px", letterSpacing: "2px", weight: "bold" },
		input: { size: "12px", lineHeight: "20px", letterSpacing: "3px", weight: 300 },
		smallBody: { size: "14px", lineHeight: "21px", letterSpacing: "normal", weight: "inherit" },
	},
	images: { close: PICTURE, search: PICTURE, navLogo: { light: PICTURE, dark: PICTURE + "#dark" }, verified: PICTURE, checkbox: PICTURE,
		checkboxChecked: PICTURE, permissionBalances: PICTURE },
	spacing: { contentHorizontalInset: "30px", buttonHorizontalInset: "12px" },
	components: {
		navigationBar: { height: "80px" },
		contentView: { borderRadius: "3px", boxShadow: "none", border: "2px dashed #040506", separatorStyle: "none" },
		button: { height: "60px", borderRadius: "30px", inheritInstitutionColor: false, continueTitle: "Go on", doneTitle: "Finish" },
		searchInput: { backgroundColor: "#fff", height: "64px", borderRadius: "5px", border: "3px solid #070809", alignment: "center",
			focus: { glow: false, backgroundColor: "#fffffe", border: null, boxShadow: "0 0 0 2px #0a0b0c" } },
		textField: { backgroundColor: "#fff", height: "70px", borderRadius: "6px", boxShadow: null, focus: { border: "4px solid #0d0e0f" } },
		icon: { strokeWidth: 8, lineCap: "square" }, separator: { height: "3px" }, connectedIcon: { color: "#101112" },
	},
	screens: { finder: { title: "Pick a bank", subtitle: "All are welcome.", searchPlaceholder: "Name of a bank", institutionCellBorderRadius: "7px",
		institutionCellBorder: null, institutionCellSpacing: "21px", institutionCellBackgroundColor: "#fff", institutionCellBoxShadow: null } },
	modal: { borderRadius: "9px", boxShadow: null, overlayBackgroundColor: "rgb(0 128 0 / 0.5)", overlayBackdropFilter: null },
	popover: { borderRadius: "11px", boxShadow: null },
}`, "PICTURE", picture)

func TestThemeIsApplied(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{ colorScheme: 'light', theme: "+ownTheme+" }")
	s.page.look(1280, "dark")
	s.open(moneykit.LinkSessionParams{})
	check := func(selector string, styles map[string]string) {
		t.Helper()
		for property, want := range styles {
			assert.Equal(t, want, style(s.frame, selector, property), "%s of %s", property, selector)
		}
	}
	check("h1", map[string]string{
		"fontSize": "30px", "lineHeight": "40px", "letterSpacing": "1px", "fontWeight": "400",
		"fontFamily": "Courier, monospace", "color": "rgb(32, 16, 0)",
	})
	check("body", map[string]string{
		"fontSize": "18px", "lineHeight": "27px", "letterSpacing": "0.5px", "fontWeight": "500",
		"backgroundColor": "rgba(0, 128, 0, 0.5)", "backdropFilter": "none",
	})
	check(".card", map[string]string{"backgroundColor": "rgb(255, 250, 240)", "borderRadius": "9px", "boxShadow": "rgba(0, 0, 0, 0) 0px 0px 0px 0px"})
	check(".card > header", map[string]string{"minHeight": "80px"})
	check(".screen", map[string]string{"paddingLeft": "30px"})
	check(".grid", map[string]string{"columnGap": "21px"})
	check(".grid .bank", map[string]string{
		"borderRadius": "7px", "borderTopColor": "rgba(0, 0, 0, 0)", "backgroundColor": "rgb(255, 255, 255)",
		"boxShadow": "rgba(0, 0, 0, 0) 0px 0px 0px 0px",
	})
	check(".rows", map[string]string{"borderRadius": "3px", "border": "2px dashed rgb(4, 5, 6)", "backgroundColor": "rgb(253, 243, 224)"})
	check(".rows li:nth-child(2)::before", map[string]string{"display": "none"})
	check(".i", map[string]string{"strokeLinecap": "square"})
	check("dialog", map[string]string{"borderRadius": "11px"})
	check("#search", map[string]string{
		"fontSize": "16px", "letterSpacing": "3px", "fontWeight": "300", "borderRadius": "5px", "minHeight": "64px",
		"backgroundColor": "rgb(255, 255, 254)",
		"boxShadow":       "rgb(10, 11, 12) 0px 0px 0px 2px, color(srgb 0.0392157 0.364706 0.298039 / 0.22) 0px 0px 0px 0px",
	})
	s.frame.do("document.activeElement.blur()")
	check("#search", map[string]string{"border": "3px solid rgb(7, 8, 9)", "textAlign": "center", "backgroundColor": "rgb(255, 255, 255)"})
	assert.Equal(t, []string{"Pick a bank", "All are welcome.", "Name of a bank"},
		eval[[]string](s.frame, "[document.querySelector('h1').innerText, "+
			"document.querySelector('h1 + p').innerText, document.querySelector('#search').placeholder]"))
	assert.Equal(t, []string{"navLogo MoneyKit", "close ", "search "},
		eval[[]string](s.frame, "[...document.querySelectorAll('[data-image] > img')].map((img) => img.parentElement.dataset.image + ' ' + img.alt)"))
	assert.Equal(t, "Close", eval[string](s.frame, "document.querySelector('#close').ariaLabel"))
	assert.Equal(t, "none", style(s.frame, "#close > .i", "display"))

	s.frame.click("[value=" + moneykittest.CredentialsBank + "]")
	shown(s.frame, "Permissions")
	check(".actions", map[string]string{"paddingLeft": "12px"})
	check(".main", map[string]string{
		"fontFamily": "Georgia, serif", "fontSize": "20px", "lineHeight": "30px", "letterSpacing": "2px", "fontWeight": "700",
		"minHeight": "60px", "borderRadius": "30px", "backgroundColor": "rgb(10, 93, 76)", "color": "rgb(255, 255, 255)",
	})
	assert.Equal(t, "Go on", eval[string](s.frame, "document.querySelector('.main').innerText"))
	assert.Contains(t, style(s.frame, "[type=checkbox]", "backgroundImage"), "data:image/svg+xml")
	assert.True(t, eval[bool](s.frame, "document.querySelector('.badge > img').complete"))

	// The other scheme has its own values, and those without one stay.
	s.tell("set_color_scheme", "{ colorScheme: 'dark' }")
	check(".card", map[string]string{"backgroundColor": "rgb(16, 24, 32)", "borderRadius": "9px"})
	check("h1", map[string]string{"color": "rgb(255, 248, 240)"})
	check(".main", map[string]string{"backgroundColor": "rgb(127, 224, 181)", "color": "rgb(17, 17, 17)"})
	assert.Contains(t, eval[string](s.frame, "document.querySelector('.mark img').src"), "#dark")
	s.tell("set_color_scheme", "{ colorScheme: 'light' }")
	assert.NotContains(t, eval[string](s.frame, "document.querySelector('.mark img').src"), "#dark")

	s.submit(nil)
	shown(s.frame, "Credentials")
	check("#password", map[string]string{"minHeight": "70px", "borderRadius": "6px", "backgroundColor": "rgb(255, 255, 255)"})
	check("#username", map[string]string{"border": "4px solid rgb(13, 14, 15)"}) // It has the focus.
	s.submit(map[string]string{"username": "user_good", "password": "pass_good"})
	shown(s.frame, "Accounts")
	check(".row:nth-child(2) small", map[string]string{"fontSize": "14px", "lineHeight": "21px", "fontWeight": "400"})
	s.submit(nil)
	shown(s.frame, "Success")
	check(".done", map[string]string{"color": "rgb(16, 17, 18)"})
	assert.Equal(t, "Finish", eval[string](s.frame, "document.querySelector('.main').innerText"))
	assert.True(t, eval[bool](s.frame, "document.querySelector('.done > img').complete"))

	// Without a theme the page looks as at first.
	s.tell("set_theme", "{ theme: {} }")
	check("h1", map[string]string{"fontSize": "24px", "fontWeight": "700", "letterSpacing": "-0.36px"})
	check(".main", map[string]string{"minHeight": "48px", "borderRadius": "12px"})
	assert.Equal(t, "Done", eval[string](s.frame, "document.querySelector('.main').innerText"))
	assert.Empty(t, eval[[]string](s.frame, "[...document.querySelectorAll('img')].map((img) => img.src)"))
	assert.Empty(t, s.frame.said())
}

// Invalid values of a theme have no effect, and nothing breaks.
func TestHostileTheme(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{}")
	s.open(moneykit.LinkSessionParams{})
	s.page.do(`const own = ` + ownTheme + `;
		const isGroup = (value) => value !== null && typeof value === "object" && !("light" in value);
		window.filled = (value, part = own) => Object.fromEntries(
			Object.entries(part).map(([name, old]) => [name, isGroup(old) ? filled(value, old) : value]));`)
	look := func() string {
		return eval[string](s.frame, `JSON.stringify([...document.querySelectorAll("h1, .card, header, .screen, .grid, .bank, #search, .rows")]
			.slice(0, 12).map((e) => {
			const { fontFamily, fontSize, color, backgroundColor, borderRadius, borderTopWidth, paddingLeft, backgroundImage } = getComputedStyle(e);
			const { x, y, width, height } = e.getBoundingClientRect();
			return [fontFamily, fontSize, color, backgroundColor, borderRadius, borderTopWidth, paddingLeft, backgroundImage, x, y, width, height];
		}))`)
	}
	// Only the texts are taken from these strings.
	const texts = `for (const part of ["title", "subtitle", "searchPlaceholder"]) { delete theme.screens.finder[part]; }`
	normal := look()
	for name, value := range map[string]string{
		"url": `"url(https://evil.test/x)"`, "part of a value": `"1px solid url(https://evil.test/x)"`,
		"end of a rule":  `"red;} body { display: none"`,
		"end of a block": `"red}*{display:none"`, "script": `"javascript:alert(1)"`, "script image": `"data:text/html,<script>alert(1)</script>"`,
		"expression": `"expression(alert(1))"`, "variable": `"var(--evil)"`,
		"own variable": `"var(--text)"`, "environment": `"env(evil)"`, "attribute": `"attr(class)"`, "escape": `"\\75rl(https://evil.test/x)"`,
		"image set": `"image-set('https://evil.test/x' 1x)"`, "markup": `"</style><img src=x onerror=alert(1)>"`, "important": `"red !important"`,
		"comment": `"red /* "`, "keyword": `"inherit"`, "other keyword": `"revert-layer"`, "empty": `""`, "blank": `" "`, "undefined": "undefined",
		"not a number": "NaN",
		"infinite":     "Infinity", "true": "true", "big": "10n", "list": `[]`, "nested": `{ light: { light: "red" }, dark: ["red"] }`,
		"empty pair": `{ light: undefined, dark: undefined }`, "date": "new Date(0)", "expression of a pattern": "/red/",
		"map":    "new Map([['light', 'red']])",
		"buffer": "new ArrayBuffer(8)",
	} {
		s.tell("set_theme", "{ theme: (() => { const theme = filled("+value+"); "+texts+" return theme; })() }")
		assert.Equal(t, normal, look(), name)
	}
	for name, theme := range map[string]string{
		"no group": `{ colors: null, typography: 1, images: "x", spacing: [], components: true,
			screens: { finder: null }, modal: "red", popover: undefined }`,
		"long": `(() => { const long = "x".repeat(1e6); return { colors: { accent: long, error: "red".padEnd(1e6) }, typography: { fontFamily: long,
			body: { size: long } }, images: { close: "data:image/svg+xml," + long }, components: { contentView: { separatorStyle: long } } }; })()`,
		"no part": `{ components: { button: null, searchInput: 7, contentView: [] }, typography: { body: null, title2: "x" } }`,
		"list":    `[{ colors: { accent: "red" } }]`, "own names": `JSON.parse('{"__proto__": {"colors": {"accent": "red"}}, "constructor": 1}')`,
		"cycle": `(() => { const theme = { colors: {} }; theme.colors.accent = theme; theme.screens = theme; return theme; })()`,
	} {
		s.tell("set_theme", "{ theme: "+theme+" }")
		assert.Equal(t, normal, look(), name)
	}
	for _, data := range []string{"{ theme: null }", "{ theme: 'red' }", "{ theme: 1 }", "{}", "null", "'red'"} {
		s.tell("set_theme", data)
		assert.Equal(t, normal, look(), data)
	}

	// Texts contain no markup, and their length is limited.
	s.tell("set_theme", `{ theme: { screens: { finder: { title: "<b>" + "long ".repeat(1e5),
		subtitle: { light: "<img src=x onerror=alert(1)>" } } } } }`)
	assert.True(t, eval[bool](s.frame, "document.querySelector('h1').textContent.startsWith('<b>long ') && "+
		"document.querySelector('h1').textContent.length === 200"))
	assert.Empty(t, eval[[]string](s.frame, tooWide))
	assert.Zero(t, eval[int](s.frame, "document.querySelectorAll('main img, main b').length"))
	// If an image does not exist, the default image stays.
	s.tell("set_theme", `{ theme: { images: { close: "data:image/png,none", search: "/images/search.svg" } } }`)
	s.frame.until("!document.querySelector('img')")
	assert.Equal(t, "block", style(s.frame, "#close > .i", "display"))
	assert.Empty(t, eval[[]string](s.frame, "performance.getEntriesByType('resource').map(({ name }) => name)"+
		".filter((name) => name.includes('evil') || name.includes('search.svg'))"))
	assert.Empty(t, s.frame.said())
}

// system changes the color scheme of the system.
func (s *stage) system(scheme string) {
	s.t.Helper()
	s.watched = s.frame
	s.wear(look{scheme, 1280, 800})
}

func TestColorScheme(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{ colorScheme: 'auto' }")
	s.open(moneykit.LinkSessionParams{})
	s.page.do("document.documentElement.style.cssText = 'background: #00ff00; color-scheme: normal'")
	check := func(scheme string) {
		t.Helper()
		surface, ink := "rgb(255, 255, 255)", "rgb(20, 22, 31)"
		if scheme == "dark" {
			surface, ink = "rgb(23, 24, 29)", "rgb(243, 244, 248)"
		}
		assert.Equal(t, []string{surface, ink}, []string{style(s.frame, ".card", "backgroundColor"), style(s.frame, "h1", "color")})
		// The application's page is seen through the overlay.
		r, g, b := s.pixel(20, 400)
		assert.Greater(t, g, r+40)
		assert.Greater(t, g, b+40)
	}
	for _, system := range []string{"light", "dark"} {
		for _, wanted := range []string{"light", "auto", "dark", "auto"} {
			s.system(system)
			s.tell("set_color_scheme", fmt.Sprintf("{ colorScheme: %q }", wanted))
			scheme := wanted
			if wanted == "auto" {
				scheme = system
			}
			check(scheme)
			for _, wrong := range []string{"'red'", "null", "1", "['dark']", "undefined"} {
				s.tell("set_color_scheme", "{ colorScheme: "+wrong+" }")
			}
			check(scheme)
		}
	}
	// The system changes while Connect is open.
	s.system("light")
	check("light")
	s.system("dark")
	check("dark")
	// Others may not change it.
	s.frame.do("postMessage({ moneykit: true, type: 'connect.set_color_scheme', data: { colorScheme: 'light' } }, '*')")
	s.tell("other", "{}")
	check("dark")
	assert.Empty(t, s.frame.said())
}

// Browsers paint a frame opaque if the scheme of its root differs from that of its element. The
// page of the example supports both schemes.
func TestFrameIsSeenThrough(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{}")
	s.open(moneykit.LinkSessionParams{})
	for _, scheme := range []string{"light", "dark"} {
		s.system(scheme)
		s.page.do("document.documentElement.style.cssText = 'background: #00ff00'")
		r, g, b := s.pixel(20, 400)
		assert.Greater(t, g, r+40, scheme)
		assert.Greater(t, g, b+40, scheme)
	}
}

// pixel returns the color of a point of the page.
func (s *stage) pixel(x, y int) (red, green, blue uint32) {
	s.t.Helper()
	picture, err := png.Decode(bytes.NewReader(s.picture()))
	require.NoError(s.t, err)
	red, green, blue, _ = picture.At(x, y).RGBA()
	return red >> 8, green >> 8, blue >> 8
}
