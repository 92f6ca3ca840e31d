package browsertest

import (
	"fmt"

	"testing"

	"github.com/stretchr/testify/assert"
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
