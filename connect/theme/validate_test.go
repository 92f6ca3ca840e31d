package theme_test

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect/theme"
)

// hostile values end a CSS value, load something, or are no CSS value. No member accepts them.
var hostile = []string{
	"red;", "red; background: url(https://example.com/canary)", "red}", "{red}", "<red>", "</style><script>", "@import",
	"red!important",
	`"red`, `red"`, "'", "`", `re\64`, `\"`, "red/*", "red*/", "/**/", "red\n", "red\x00", "\t", "\x7f", "\u0085red", "\u2028", "\xff", " ", "--a:b",
	"url(a)", "URL(a)", "url(https://example.com)", "url (;)", "var(--a)", "env(a)", "attr(a)", "expression(alert(1))", "image-set(a)", "src(a)",
	"element(a)", "paint(a)", "cross-fade(a)", "-moz-element(a)", "calc(url(a))", "min(1px, url(a))", "-calc(1px)", "_url(a)",
	"rgb(0 0 0", "rgb(0 0 0))", ")", "(", ")(", "rgb(0,0,0)(", "javascript:alert(1)", "data:text/html;base64,aGk=",
	strings.Repeat(" ", 600) + "red", strings.Repeat("a", 513), strings.Repeat("(", 200) + strings.Repeat(")", 400),
}

// kinds has a member for each kind of value, with good values, and with bad ones besides the
// hostile.
var kinds = map[string]struct {
	field     string
	set       func(t *theme.Theme, value string)
	good, bad []string
}{
	"color": {
		field: "colors.accent",
		set:   func(t *theme.Theme, v string) { t.Colors.Accent.Light = v },
		good: []string{
			"#07f", "#0077FFcc", "navy", "RebeccaPurple", "transparent", "currentColor", "inherit", "rgb(0,119,255)", "rgba(0, 119, 255, .5)",
			"rgb(0% 50% 100% / 50%)", "RGB(0 119 255)", "rgb(none 1e2 +3)", "hsl(0.5turn, 1%, 2%, 3%)", "hwb(210 0% 0%)", "lab(50% 20 -30)",
			"oklch(0.5 0.1 200)", "color(display-p3 1 0.5 0)", "color-mix(in srgb, red 50%, rgb(0 0 0))", "light-dark(white, black)",
		},
	},
	"length": {
		field: "typography.body.size",
		set:   func(t *theme.Theme, v string) { t.Typography.Body.Size = v },
		good: []string{
			"16px", "1.2rem", ".5EM", "0", "120%", "-1px", "x-large", "calc(1rem + 2px)", "clamp(1rem, 2vw, 3rem)",
			"calc((1px + 2px) * 3 / 4)", "max(1px, calc(2px - -1px))", "CALC( 1px )", "1px 2px / 3px",
		},
	},
	"shadow": {
		field: "components.contentView.boxShadow",
		set: func(t *theme.Theme, v string) {
			t.Components.ContentView.BoxShadow = moneykit.Set(theme.Value{Light: v})
		},
		good: []string{"none", "0 2px 8px #0003", "inset 0 -1px 0 1px rgba(0, 0, 0, 0.1)", "0 0 red, 1px 1px 2px blue inset"},
		bad:  []string{""},
	},
	"border": {
		field: "components.searchInput.border",
		set:   func(t *theme.Theme, v string) { t.Components.SearchInput.Border = moneykit.Set(theme.Value{Light: v}) },
		good:  []string{"1px solid #ddd", "none", "0", "thin dashed", "solid rgb(0 0 0 / 10%) 2px"},
		bad:   []string{""},
	},
	"filter": {
		field: "modal.overlayBackdropFilter",
		set:   func(t *theme.Theme, v string) { t.Modal.OverlayBackdropFilter = moneykit.Set(theme.Value{Light: v}) },
		good:  []string{"none", "blur(4px)", "blur() saturate(180%)", "hue-rotate(90deg) opacity(.5)", "drop-shadow(0 0 2px rgb(0 0 0))"},
	},
	"radius that can be cleared": {
		field: "popover.borderRadius",
		set:   func(t *theme.Theme, v string) { t.Popover.BorderRadius = moneykit.Set(v) },
		good:  []string{"8px", "50%"},
		bad:   []string{""},
	},
	"font": {
		field: "typography.fontFamily",
		set:   func(t *theme.Theme, v string) { t.Typography.FontFamily = v },
		good: []string{
			"Inter", `"Segoe UI", -apple-system, 'Noto Sans', sans-serif`, "Gill Sans,serif", "inherit", "ヒラギノ角ゴ", `"Font & Sons 2.0"`,
		},
		bad: []string{
			`"Inter`, `Inter"`, `"Inter'`, `"a;b"`, `"a\22"`, "\"a\nb\"", `""`, `"a)"`, "Inter}", `"Inter"; color: red`,
			`"a" url("b")`, `"url"(a)`,
		},
	},
	"weight": {
		field: "typography.button.weight",
		set:   func(t *theme.Theme, v string) { t.Typography.Button.Weight = theme.Weight(v) },
		good:  []string{"100", "900", "bold", "lighter", "revert-layer", "inherit"},
		bad:   []string{"1000", "450", "000", "heavy", "-100", "100|200"},
	},
	"choice": {
		field: "components.icon.lineCap",
		set:   func(t *theme.Theme, v string) { t.Components.Icon.LineCap = v },
		good:  []string{"round", "butt", "square"},
		bad:   []string{"Round", "round|butt", "none"},
	},
	"image": {
		field: "images.navLogo",
		set:   func(t *theme.Theme, v string) { t.Images.NavLogo.Light = v },
		good: []string{
			"https://example.com/logo.svg?v=1#a", "HTTPS://example.com/a", "data:image/svg+xml;base64,PHN2Zy8+", "data:image/png;base64,aGk=",
			"https://example.com/" + strings.Repeat("a", 2000), "data:image/png;base64," + strings.Repeat("aaaa", 16000),
		},
		bad: []string{
			"http://example.com/a.png", "//example.com/a.png", "/a.png", "a.png", "https://", "https:example.com", "https://u:p@example.com/a.png",
			"https://example.com/a.png)", "https://example.com/a b.png", `https://example.com/"`, "https://example.com/'", "https://example.com/`",
			"https://example.com/\\", "https://example.com/\n", "https://example.com/{}", "https://example.com/<a>",
			"https://example.com/\u0085", "https://example.com/\u2028", "https://example.com/\xff", "blob:https://example.com/a",
			"DATA:image/png;base64,aGk=", "data:image/png,aGk=", "data:image/png;base64,", "data:image/png;base64,a=Gk",
			"data:image/png;base64,a)k=", "data:image/png;x;base64,aGk=", "data:image/png;base64,aG\nk=",
			"https://example.com/" + strings.Repeat("a", 2048),
			"data:image/png;base64," + strings.Repeat("aaaa", 20000),
		},
	},
}

func TestThemeValidate(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range kind.good {
				var look theme.Theme
				kind.set(&look, value)
				require.NoError(t, look.Validate(), value)
			}
			for _, value := range append(kind.bad, hostile...) {
				var look theme.Theme
				kind.set(&look, value)
				requireOnly(t, look.Validate(), kind.field, value)
			}
		})
	}
}

// requireOnly fails unless err names one field and does not repeat the value.
func requireOnly(t *testing.T, err error, field, value string) {
	t.Helper()
	var wrong theme.FieldErrors
	require.ErrorAs(t, err, &wrong, "%q", value)
	require.Len(t, wrong, 1, "%q", value)
	assert.Equal(t, field, wrong[0].Field)
	assert.NotEmpty(t, wrong[0].Message)
	assert.NotContains(t, err.Error(), "canary")
}

func TestThemeValidateText(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"Welcome to Müller & Söhne; it's 100% free (really)", "銀行を選ぶ", strings.Repeat("a", 512)} {
		var look theme.Theme
		look.Screens.Finder.Subtitle = moneykit.Set(value)
		require.NoError(t, look.Validate(), value)
	}
	for _, value := range []string{"", " ", "<b>canary", "a\nb", "a\x00", "\u0085", "\xff", strings.Repeat("a", 513)} {
		var look theme.Theme
		look.Screens.Finder.Subtitle = moneykit.Set(value)
		requireOnly(t, look.Validate(), "screens.finder.subtitle", value)
	}
}

func TestThemeValidatePixels(t *testing.T) {
	t.Parallel()
	for _, value := range []float64{-1, 1e9, math.NaN(), math.Inf(1), math.Inf(-1)} {
		var look theme.Theme
		look.Components.Icon.StrokeWidth = value
		require.ErrorContains(t, look.Validate(), "components.icon.strokeWidth must be a positive number of pixels")
	}
}

func TestThemeValidateNamesEveryMember(t *testing.T) {
	t.Parallel()
	var look theme.Theme
	look.Colors.Accent = theme.Value{Light: "canary;", Dark: "canary;"}
	look.Colors.Error.Dark = "red"
	look.Colors.Success = theme.Value{Light: "red", Dark: "canary;"}
	look.Typography.Body.Size = "canary;"
	look.Images.Close = "canary"
	look.Components.Button.InheritInstitutionColor = moneykit.Clear[bool]()
	look.Components.TextField.BackgroundColor = moneykit.Set(theme.Value{Light: "white", Dark: "canary;"})
	look.Components.TextField.BoxShadow = moneykit.Set(theme.Value{})
	look.Components.ProgressSpinner.Diameter = -1
	look.Modal.BorderRadius = moneykit.Set("canary;")
	look.Popover.BorderRadius = moneykit.Clear[string]()

	err := look.Validate()
	var wrong theme.FieldErrors
	require.ErrorAs(t, err, &wrong)
	var fields []string
	for _, w := range wrong {
		fields = append(fields, w.Field)
	}
	assert.Equal(t, []string{
		"colors.accent.light", "colors.accent.dark", "colors.success.dark", "colors.error.light", "typography.body.size", "images.close",
		"components.button.inheritInstitutionColor", "components.textField.backgroundColor.dark", "components.textField.boxShadow",
		"components.progressSpinner.diameter", "modal.borderRadius",
	}, fields)
	for _, field := range fields {
		assert.Contains(t, err.Error(), field+" must ")
	}
	assert.NotContains(t, err.Error(), "canary")
	assert.NotContains(t, err.Error(), "\n")
}

// FuzzTheme reads any JSON as a theme and any text as each kind of value. A theme is the same after
// it is written and read again, and no value that Validate accepts can end a declaration or load
// anything.
func FuzzTheme(f *testing.F) {
	f.Add([]byte(members))
	f.Add([]byte(`{"colors":{"accent":{"light":"url(a)","dark":"b"}},"typography":{"body":{"weight":"600"}}}`))
	f.Add([]byte(`{"components":{"progressSpinner":{"diameter":1e300}},"modal":{"boxShadow":""}}`))
	for _, kind := range kinds {
		for _, value := range slices.Concat(kind.good, kind.bad, hostile) {
			if len(value) < 100 {
				f.Add([]byte(value))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		requireRoundTrip(t, data)
		for name, kind := range kinds {
			var look theme.Theme
			kind.set(&look, string(data))
			if string(data) != "" && look.Validate() == nil && leaves(name, string(data)) {
				t.Fatalf("%q passes as a %s", data, name)
			}
		}
	})
}

// requireRoundTrip fails if data is a theme that changes when it is written and read.
func requireRoundTrip(t *testing.T, data []byte) {
	t.Helper()
	var look, again theme.Theme
	if json.Unmarshal(data, &look) != nil {
		return
	}
	if err := look.Validate(); err != nil && strings.Contains(err.Error(), "canary") {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(look)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &again); err != nil || !reflect.DeepEqual(look, again) {
		t.Fatalf("%s gives %s, and that something else: %v", data, encoded, err)
	}
}

// leaves reports whether a value of a kind could end its declaration or load something.
func leaves(kind, value string) bool {
	lower := strings.ToLower(value)
	switch kind {
	case "image":
		return strings.ContainsAny(value, "\"'()<>{}\\` \n\r\t\x00") ||
			(!strings.HasPrefix(value, "data:image/") && !strings.HasPrefix(lower, "https://"))
	case "font":
		quotes := strings.Count(value, `"`)%2 + strings.Count(value, `'`)%2
		return strings.ContainsAny(value, ";{}<>\\@!:\n\r\t\x00") || quotes > 0 || strings.Contains(lower, "url(")
	}
	return strings.ContainsAny(value, ";{}<>\\@!:\"'\n\r\t\x00") || strings.Count(value, "(") != strings.Count(value, ")") ||
		strings.Contains(lower, "url(") || strings.Contains(lower, "expression(") || strings.Contains(lower, "/*") || len(value) > 512
}
