package browsertest

import (
	"fmt"
	"strings"

	"testing"

	"github.com/stretchr/testify/assert"

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
		"none": "{}", "moneyui": "moneyui",
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
						assert.Empty(t, unreadable(axe(s.frame, `{ runOnly: ["color-contrast", "link-in-text-block"] }`)), "%s with theme %s, %s", screen, name, scheme)
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
const ownTheme = `{
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
}`

func TestThemeIsApplied(t *testing.T) {
	t.Parallel()
	s := newStage(t, "{ colorScheme: 'light', theme: "+strings.ReplaceAll(ownTheme, "PICTURE", picture)+" }")
	s.page.look(1280, "dark")
	s.open(moneykit.LinkSessionParams{})
	check := func(selector string, styles map[string]string) {
		t.Helper()
		for property, want := range styles {
			assert.Equal(t, want, style(s.frame, selector, property), "%s of %s", property, selector)
		}
	}
	check("h1", map[string]string{
		"fontSize": "30px", "lineHeight": "40px", "letterSpacing": "1px", "fontWeight": "400", "fontFamily": "Courier, monospace", "color": "rgb(32, 16, 0)",
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
		"borderRadius": "7px", "borderTopColor": "rgba(0, 0, 0, 0)", "backgroundColor": "rgb(255, 255, 255)", "boxShadow": "rgba(0, 0, 0, 0) 0px 0px 0px 0px",
	})
	check(".rows", map[string]string{"borderRadius": "3px", "border": "2px dashed rgb(4, 5, 6)", "backgroundColor": "rgb(253, 243, 224)"})
	check(".rows li:nth-child(2)::before", map[string]string{"display": "none"})
	check(".i", map[string]string{"strokeLinecap": "square"})
	check("dialog", map[string]string{"borderRadius": "11px"})
	check("#search", map[string]string{
		"fontSize": "16px", "letterSpacing": "3px", "fontWeight": "300", "borderRadius": "5px", "minHeight": "64px", "backgroundColor": "rgb(255, 255, 254)",
		"boxShadow": "rgb(10, 11, 12) 0px 0px 0px 2px, color(srgb 0.0392157 0.364706 0.298039 / 0.22) 0px 0px 0px 0px",
	})
	s.frame.do("document.activeElement.blur()")
	check("#search", map[string]string{"border": "3px solid rgb(7, 8, 9)", "textAlign": "center", "backgroundColor": "rgb(255, 255, 255)"})
	assert.Equal(t, []string{"Pick a bank", "All are welcome.", "Name of a bank"},
		eval[[]string](s.frame, "[document.querySelector('h1').innerText, document.querySelector('h1 + p').innerText, document.querySelector('#search').placeholder]"))
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

	// Without a theme all is as at first.
	s.tell("set_theme", "{ theme: {} }")
	check("h1", map[string]string{"fontSize": "24px", "fontWeight": "700", "letterSpacing": "-0.36px"})
	check(".main", map[string]string{"minHeight": "48px", "borderRadius": "12px"})
	assert.Equal(t, "Done", eval[string](s.frame, "document.querySelector('.main').innerText"))
	assert.Empty(t, eval[[]string](s.frame, "[...document.querySelectorAll('img')].map((img) => img.src)"))
	assert.Empty(t, s.frame.said())
}
