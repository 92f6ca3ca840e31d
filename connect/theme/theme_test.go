package theme_test

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
	"github.com/moneykit/moneykit-go/connect/theme"
)

// members has every member of Connect's theme with a valid value.
const members = `{
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
	var all theme.Theme
	decoder := json.NewDecoder(strings.NewReader(members))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&all))
	require.NoError(t, all.Validate())
	encoded, err := json.Marshal(all)
	require.NoError(t, err)
	assert.JSONEq(t, members, string(encoded))
	requireEveryField(t, reflect.ValueOf(all), "theme")
}

// requireEveryField fails for a field that no member of the JSON has set. The text styles have one
// type, so one of them is enough.
func requireEveryField(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	assert.False(t, v.IsZero(), path)
	_, isField := reflect.TypeAssert[interface{ IsClear() bool }](v)
	isOtherTextStyle := v.Type() == reflect.TypeFor[theme.TextStyle]() && !strings.HasSuffix(path, "LargeTitle")
	if isField || isOtherTextStyle || v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[theme.Value]() {
		return
	}
	for i := range v.NumField() {
		requireEveryField(t, v.Field(i), path+"."+v.Type().Field(i).Name)
	}
}

func TestEmptyTheme(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(theme.Theme{})
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(encoded))
	require.NoError(t, theme.Theme{}.Validate())
}

func ExampleTheme() {
	look := theme.Theme{
		Colors:  theme.Colors{Accent: theme.Value{Light: "#0a7d4b", Dark: "#35c07f"}},
		Popover: theme.Popover{BoxShadow: moneykit.Clear[theme.Value]()}, // no shadow
	}
	if err := look.Validate(); err != nil {
		log.Fatal(err)
	}
	encoded, err := json.Marshal(look)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(encoded))
	// Output:
	// {"colors":{"accent":{"light":"#0a7d4b","dark":"#35c07f"}},"popover":{"boxShadow":null}}
}

// A form for a customer's theme shows each error beside its member.
func ExampleTheme_Validate() {
	var look theme.Theme
	look.Colors.Error.Light = "url(https://example.com)"
	look.Images.Close = "http://example.com/close.svg"

	var wrong theme.FieldErrors
	if errors.As(look.Validate(), &wrong) {
		for _, w := range wrong {
			fmt.Println(w.Field, w.Message)
		}
	}
	// Output:
	// colors.error must be a plain CSS value, without quotes, comments and functions such as url()
	// images.close must be an https URL, or a data URL with an image in base64
}
