package moneykit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// themeMembers are the members that Connect has, each with a value that it takes.
const themeMembers = `{
	"colors":{"accent":"#0077ff","primaryBackground":{"light":"#fff","dark":"black"},"secondaryBackground":"red",
		"primaryContent":"red","secondaryContent":"red","primaryForeground":"red","secondaryForeground":"red",
		"tertiaryForeground":"red","primaryFill":"red","secondaryFill":"red","tertiaryFill":"red","success":"red",
		"warning":"red","error":"red","separator":"red","selection":"red"},
	"typography":{"fontFamily":"Inter, sans-serif",
		"largeTitle":{"fontFamily":"Inter","size":"32px","lineHeight":"1.2","letterSpacing":"-0.01em","weight":700},
		"title1":{"weight":"bold"},"title2":{"weight":100},"title3":{"weight":900},"body":{"weight":"revert-layer"},
		"smallBody":{"size":"12px"},"button":{"size":"1rem"},"input":{"size":"1rem"}},
	"images":{"close":"https://example.com/a.svg","search":"https://example.com/a.svg","spinner":"https://example.com/a.svg",
		"radio":"https://example.com/a.svg","radioChecked":"https://example.com/a.svg","checkbox":"https://example.com/a.svg",
		"checkboxChecked":"https://example.com/a.svg","verified":"https://example.com/a.svg",
		"permissionAccountNumbers":"https://example.com/a.svg","permissionBalances":"https://example.com/a.svg",
		"permissionIdentity":"https://example.com/a.svg","permissionTransactions":"https://example.com/a.svg",
		"permissionInvestments":"https://example.com/a.svg","mfaSms":"https://example.com/a.svg",
		"mfaEmail":"https://example.com/a.svg","mfaPhone":"https://example.com/a.svg","errorSmall":"data:image/png;base64,aGk=",
		"navLogo":{"light":"https://example.com/a.svg","dark":"https://example.com/b.svg"}},
	"spacing":{"contentHorizontalInset":"24px","buttonHorizontalInset":"24px"},
	"components":{"navigationBar":{"height":"56px"},
		"contentView":{"borderRadius":"8px","boxShadow":null,"border":"1px solid #ddd","separatorStyle":"all_except_last"},
		"button":{"height":"48px","borderRadius":"8px","inheritInstitutionColor":false,"continueTitle":"Continue","doneTitle":"Done"},
		"searchInput":{"backgroundColor":null,"height":"48px","borderRadius":"8px","border":null,"alignment":"left",
			"focus":{"glow":true,"backgroundColor":null,"border":null,"boxShadow":null}},
		"textField":{"backgroundColor":"#fff","height":"48px","borderRadius":"8px","boxShadow":{"light":"none","dark":"0 0 2px red"},
			"focus":{"glow":false,"backgroundColor":"#fff","border":"none","boxShadow":"none"}},
		"progressSpinner":{"strokeWidth":2.5,"diameter":40,"lineCap":"round","color":"#0077ff"},
		"icon":{"strokeWidth":2,"lineCap":"butt"},"separator":{"height":"1px"},"checkbox":{"offColor":"red","onColor":"red"},
		"radio":{"offColor":"red","onColor":"red"},"connectedIcon":{"color":"red"}},
	"screens":{"finder":{"title":"Connect your bank","subtitle":null,"searchPlaceholder":"Search","institutionCellBoxShadow":null,
		"institutionCellBorderRadius":"8px","institutionCellBorder":null,"institutionCellSpacing":"8px",
		"institutionCellBackgroundColor":null}},
	"modal":{"borderRadius":null,"boxShadow":null,"overlayBackgroundColor":"#0008","overlayBackdropFilter":"blur(4px)"},
	"popover":{"borderRadius":"8px","boxShadow":null}
}`

func TestThemeJSON(t *testing.T) {
	t.Parallel()
	var theme moneykit.Theme
	decoder := json.NewDecoder(strings.NewReader(themeMembers))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&theme))
	require.NoError(t, theme.Validate())
	encoded, err := json.Marshal(theme)
	require.NoError(t, err)
	assert.JSONEq(t, themeMembers, string(encoded))
	everyLeaf(t, reflect.ValueOf(theme), "theme")

	encoded, err = json.Marshal(moneykit.Theme{})
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(encoded))
	require.NoError(t, moneykit.Theme{}.Validate())

	for _, bad := range []string{
		`{"colors":{"accent":7}}`, `{"colors":{"accent":["red"]}}`, `{"colors":{"accent":{"light":"red"}}}`,
		`{"colors":{"accent":{"dark":"red"}}}`, `{"colors":{"accent":{"light":7,"dark":"red"}}}`,
		`{"typography":{"body":{"weight":450}}}`, `{"typography":{"body":{"weight":{}}}}`,
		`{"components":{"button":{"inheritInstitutionColor":"yes"}}}`,
	} {
		require.Error(t, json.Unmarshal([]byte(bad), &theme), bad)
	}
	require.NoError(t, json.Unmarshal([]byte(`{"colors":{"accent":null},"typography":{"title1":{"weight":null}}}`), &theme))
	assert.Equal(t, "#0077ff", theme.Colors.Accent.Light)
	assert.Equal(t, moneykit.ThemeWeight("bold"), theme.Typography.Title1.Weight)
}

// everyLeaf fails where the theme of all members has none of a Go field, but for the text styles,
// which are one type.
func everyLeaf(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	assert.False(t, v.IsZero(), path)
	if _, ok := reflect.TypeAssert[interface{ IsClear() bool }](v); ok || v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[moneykit.ThemeValue]() ||
		(v.Type() == reflect.TypeFor[moneykit.ThemeTextStyle]() && !strings.HasSuffix(path, "LargeTitle")) {
		return
	}
	for i := range v.NumField() {
		everyLeaf(t, v.Field(i), path+"."+v.Type().Field(i).Name)
	}
}

// cssRules has a place in a theme for each kind of value, with good and bad ones.
var cssRules = map[string]struct {
	set       func(t *moneykit.Theme, value string)
	field     string
	good, bad []string
}{
	"color": {
		func(t *moneykit.Theme, v string) { t.Colors.Accent.Light = v },
		"colors.accent",
		[]string{
			"#07f", "#07F8", "#0077ff", "#0077FFcc", "navy", "RebeccaPurple", "transparent", "currentColor", "inherit",
			"rgb(0,119,255)", "rgba(0, 119, 255, .5)", "rgb(0% 50% 100% / 50%)", "RGB(0 119 255)", "rgb(none 1e2 +3)", "rgb(0%,1%,2%)",
			"hsl(210, 100%, 50%)", "hsla(210deg 100% 50% / 0.5)", "hsl(0.5turn, 1%, 2%, 3%)", "hwb(210 0% 0%)",
			"lab(50% 20 -30)", "lch(50% 20 30deg)", "oklab(0.5 0.1 -.1)", "oklch(0.5 0.1 200)", "color(display-p3 1 0.5 0)",
		},
		[]string{
			"#", "#12", "#12345", "#ggg", "blurple", "navy white", "red;", "red; background: url(https://example.com)", "url(https://example.com)",
			"url(a)", "expression(alert(1))", "rgb(url(a) 0 0)", "rgb(0,0)", "rgb(0 0 0", "rgb 0 0 0)", "rgb(0 0 0))", "rgb(0,0,0)(", "rgb(0,50%,0)",
			"rgb(0 0)", "rgb(0 0 0 0)", "rgb(0 0 0 / 0 / 0)", "rgb(1deg 0 0)", "rgb(none,0,0)", "rgb()", "rgb(,,)", "hsl(1, 2, 3)", "lab(1,2,3)",
			"color(1 2 3)", "color(cmyk 1 2 3)", "var(--a)", "rgb(0 0 0)/**/", "re\\64", "red\n", "red\x00", "\u212ahaki", "{red}", "<red>", "@red",
			"red!important", "javascript:alert(1)", " ", "none", strings.Repeat(" ", 600) + "red",
		},
	},
	"font size": {
		func(t *moneykit.Theme, v string) { t.Typography.Body.Size = v },
		"typography.body.size",
		[]string{
			"16px", "1.2rem", ".5EM", "0", "120%", "1e2px", "+1px", "1e1em", "x-large", "smaller", "unset", "calc(1rem + 2px)", "clamp(1rem, 2vw, 3rem)",
			"min(1px,2px)", "calc((1px + 2px) * 3 / 4)", "max(1px, calc(2px - -1px))", "CALC( 1px )", "5dvh", "1q", "2cqw",
		},
		[]string{
			"16", "-1px", "px", "16 px", "1px 2px", "1.px", "16pxx", "calc()", "calc(1px", "calc(1px+2px)", "calc(1px 2px)", "calc(1px, 2px)", "clamp(1px)",
			"calc(url(a))", "calc(1px);", "(1px)", "calc(1foo)", "calc(1px + )", "attr(a)", "env(a)", "1px;", "expression(1)", "calc(1px)x", "min()",
			"calc(" + strings.Repeat("(", 100) + "1px" + strings.Repeat(")", 100) + ")", "calc(a)", "min(1px,", "calc(1px*", "1px /* a */",
		},
	},
	"line height": {
		func(t *moneykit.Theme, v string) { t.Typography.Input.LineHeight = v },
		"typography.input.lineHeight",
		[]string{"1.5", "24px", "150%", "normal"},
		[]string{"-1", "auto", "1.5 1.5"},
	},
	"letter spacing": {
		func(t *moneykit.Theme, v string) { t.Typography.Title2.LetterSpacing = v },
		"typography.title2.letterSpacing",
		[]string{"-0.01em", "0", "normal"},
		[]string{"1", "wide"},
	},
	"weight": {
		func(t *moneykit.Theme, v string) { t.Typography.Button.Weight = moneykit.ThemeWeight(v) },
		"typography.button.weight",
		[]string{"100", "900", "bold", "lighter", "revert-layer", "inherit"},
		[]string{"1000", "450", "000", "heavy", "-100"},
	},
	"font": {
		func(t *moneykit.Theme, v string) { t.Typography.FontFamily = v },
		"typography.fontFamily",
		[]string{"Inter", `"Segoe UI", -apple-system, 'Noto Sans', sans-serif`, "Gill Sans,serif", "inherit", "ヒラギノ角ゴ", `"Font 2.0"`},
		[]string{
			"Inter;", `"Inter`, `Inter"`, "url(a)", "2Inter", "Inter,", ",", `"a;b"`, `"a\22"`, "a\nb", `""`, "Inter}", "Inter/", "\xff",
			strings.Repeat("a", 600),
		},
	},
	"inset": {
		func(t *moneykit.Theme, v string) { t.Spacing.ButtonHorizontalInset = v },
		"spacing.buttonHorizontalInset",
		[]string{"24px", "-1px", "5%"},
		[]string{"24", "normal", "1px 2px"},
	},
	"spacing": {
		func(t *moneykit.Theme, v string) { t.Screens.Finder.InstitutionCellSpacing = v },
		"screens.finder.institutionCellSpacing",
		[]string{"8px", "normal"},
		[]string{"-8px", "8"},
	},
	"height": {
		func(t *moneykit.Theme, v string) { t.Components.NavigationBar.Height = v },
		"components.navigationBar.height",
		[]string{"56px", "auto", "fit-content"},
		[]string{"-56px", "none", "56"},
	},
	"radius": {
		func(t *moneykit.Theme, v string) { t.Components.Button.BorderRadius = v },
		"components.button.borderRadius",
		[]string{"8px", "50%", "1px 2px 3px 4px", "1px 2px / 3px", "calc(1px / 2)", "0"},
		[]string{"1px 2px 3px 4px 5px", "-1px", "1px / 2px / 3px", "/", "1px /", "8", "auto"},
	},
	"shadow": {
		func(t *moneykit.Theme, v string) {
			t.Components.ContentView.BoxShadow = moneykit.Set(moneykit.ThemeValue{Light: v})
		},
		"components.contentView.boxShadow",
		[]string{"none", "0 2px 8px #0003", "inset 0 -1px 0 1px rgba(0, 0, 0, 0.1)", "0 0 red, 1px 1px 2px blue inset", "red 0 0"},
		[]string{"", "0", "0 2px 8px 1px 1px", "0 0 -1px", "0 0 red blue", "0 red 0", "inset inset 0 0", "0 0,", "0 0 url(a)", "0 0; color: red", "0 5%"},
	},
	"border": {
		func(t *moneykit.Theme, v string) {
			t.Components.SearchInput.Border = moneykit.Set(moneykit.ThemeValue{Light: v})
		},
		"components.searchInput.border",
		[]string{"1px solid #ddd", "none", "0", "thin dashed", "solid rgb(0 0 0 / 10%) 2px"},
		[]string{"1px 2px", "solid dashed", "red blue", "1px solid #ddd;", "1px url(a)", "5% solid", "-1px solid", " "},
	},
	"filter": {
		func(t *moneykit.Theme, v string) {
			t.Modal.OverlayBackdropFilter = moneykit.Set(moneykit.ThemeValue{Light: v})
		},
		"modal.overlayBackdropFilter",
		[]string{"none", "blur(4px)", "blur() saturate(180%)", "hue-rotate(90deg) opacity(.5)", "drop-shadow(0 0 2px rgb(0 0 0))", "hue-rotate(0)"},
		[]string{"blur", "blur(4)", "url(#a)", "blur(4px)blur(4px)", "opacity(-1)", "drop-shadow(inset 0 0)", "drop-shadow(0 0 0 0)", "custom(a)", "hue-rotate(1px)", " ", "blur(1px"},
	},
	"image": {
		func(t *moneykit.Theme, v string) { t.Images.NavLogo.Light = v },
		"images.navLogo",
		[]string{"https://example.com/logo.svg?v=1#a", "data:image/svg+xml;base64,PHN2Zy8+", "data:image/png;base64,aGk="},
		[]string{
			"http://example.com/a.png", "//example.com/a.png", "/a.png", "a.png", "javascript:alert(1)", "https://", "https://u:p@example.com/a.png",
			"https://example.com/a.png)", "https://example.com/a b.png", `https://example.com/"`, "https://example.com/'", "https://example.com/\\", "https://example.com/\n",
			"data:text/html;base64,aGk=", "data:image/png,aGk=", "data:image/png;base64,", "data:image/png;base64,aGk", "data:image/png;base64,a)k=", "data:image/png;x;base64,aGk=",
			"data:image/png;base64,aG\nk=", "blob:https://example.com/a", "https://example.com/" + strings.Repeat("a", 2048),
			"data:image/png;base64," + strings.Repeat("aaaa", 20000),
		},
	},
	"text": {
		func(t *moneykit.Theme, v string) { t.Screens.Finder.Subtitle = moneykit.Set(v) },
		"screens.finder.subtitle",
		[]string{"Welcome to Müller & Söhne; it's 100% free (really)", "銀行を選ぶ"},
		[]string{"", "<b>", "a\nb", "a\x00", "\xff", strings.Repeat("a", 513)},
	},
	"choice": {
		func(t *moneykit.Theme, v string) { t.Components.Icon.LineCap = v },
		"components.icon.lineCap",
		[]string{"round", "butt", "square"},
		[]string{"Round", "round|butt", "none"},
	},
}

func TestThemeValidate(t *testing.T) {
	t.Parallel()
	for name, rule := range cssRules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range rule.good {
				var theme moneykit.Theme
				rule.set(&theme, value)
				require.NoError(t, theme.Validate(), value)
			}
			for _, value := range rule.bad {
				var theme moneykit.Theme
				rule.set(&theme, value)
				var e *moneykit.Error
				if assert.ErrorAs(t, theme.Validate(), &e, value) && assert.Len(t, e.Fields, 1, value) {
					assert.Equal(t, rule.field, e.Fields[0].Field)
					assert.NotEmpty(t, e.Fields[0].Message)
				}
			}
		})
	}
}

func TestThemeValidateNamesAll(t *testing.T) {
	t.Parallel()
	var theme moneykit.Theme
	theme.Colors.Accent = moneykit.ThemeValue{Light: "canary", Dark: "canary"}
	theme.Colors.Error.Dark = "red"
	theme.Typography.Body.Size = "canary"
	theme.Images.Close = "canary"
	theme.Components.Button.InheritInstitutionColor = moneykit.Clear[bool]()
	theme.Components.ProgressSpinner.Diameter = -1
	theme.Components.Icon.StrokeWidth = 1e9
	theme.Modal.BorderRadius = moneykit.Set("canary")
	theme.Popover.BorderRadius = moneykit.Clear[string]()

	err := theme.Validate()
	require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
	var e *moneykit.Error
	require.ErrorAs(t, err, &e)
	var fields []string
	for _, f := range e.Fields {
		fields = append(fields, f.Field)
	}
	assert.Equal(t, []string{
		"colors.accent.light", "colors.accent.dark", "colors.error.light", "typography.body.size", "images.close",
		"components.button.inheritInstitutionColor", "components.progressSpinner.diameter", "components.icon.strokeWidth",
		"modal.borderRadius",
	}, fields)
	assert.NotContains(t, err.Error(), "canary")
	assert.Contains(t, err.Error(), "colors.accent.light must be a CSS color")
}

func ExampleTheme() {
	theme := moneykit.Theme{
		Colors: moneykit.ThemeColors{
			Accent:            moneykit.ThemeValue{Light: "#0a7d4b"},
			PrimaryBackground: moneykit.ThemeValue{Light: "white", Dark: "#101010"},
		},
		Popover: moneykit.ThemePopover{BoxShadow: moneykit.Clear[moneykit.ThemeValue]()},
	}
	if err := theme.Validate(); err != nil {
		log.Fatal(err)
	}
	encoded, err := json.Marshal(theme)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(encoded))

	theme.Typography.Body.Size = "16"
	theme.Colors.Error.Light = "url(https://example.com)"
	var e *moneykit.Error
	if errors.As(theme.Validate(), &e) {
		for _, f := range e.Fields {
			fmt.Println(f.Field, f.Message)
		}
	}
	// Output:
	// {"colors":{"accent":"#0a7d4b","primaryBackground":{"light":"white","dark":"#101010"}},"popover":{"boxShadow":null}}
	// colors.error has characters that it cannot have
	// typography.body.size must be a CSS font size, such as 16px or 1.2rem
}
