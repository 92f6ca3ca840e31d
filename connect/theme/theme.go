// Package theme describes how Connect looks on the web, with a type for each part of its theme.
//
// An application defines a theme itself, or gets it from a customer as JSON. In both cases
// [Theme.Validate] verifies that no value can do more than style Connect.
package theme

import (
	"reflect"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// Theme is the appearance of Connect Web. Members that are not set keep Connect's default. Connect
// for iOS, Android and React Native does not use it.
//
// The JSON of a Theme has only the members that are set, but Connect requires a whole theme. The
// front end therefore copies each member onto moneyui, the default theme in Connect's npm package,
// and passes the result to Connect as its option theme.
//
// Strings are CSS values, URLs of images or texts. A [moneykit.Field] may also be cleared: its JSON
// is null, and Connect then uses no such value, for example no shadow.
type Theme struct {
	Colors     Colors     `json:"colors,omitzero"`
	Typography Typography `json:"typography,omitzero"`
	Images     Images     `json:"images,omitzero"`
	Spacing    Spacing    `json:"spacing,omitzero"`
	Components Components `json:"components,omitzero"`
	Screens    Screens    `json:"screens,omitzero"`
	Modal      Modal      `json:"modal,omitzero"`
	Popover    Popover    `json:"popover,omitzero"`
}

// Colors are the colors that the components share.
type Colors struct {
	Accent              Value `json:"accent,omitzero"`
	PrimaryBackground   Value `json:"primaryBackground,omitzero"`
	SecondaryBackground Value `json:"secondaryBackground,omitzero"`
	PrimaryContent      Value `json:"primaryContent,omitzero"`
	SecondaryContent    Value `json:"secondaryContent,omitzero"`
	PrimaryForeground   Value `json:"primaryForeground,omitzero"`
	SecondaryForeground Value `json:"secondaryForeground,omitzero"`
	TertiaryForeground  Value `json:"tertiaryForeground,omitzero"`
	PrimaryFill         Value `json:"primaryFill,omitzero"`
	SecondaryFill       Value `json:"secondaryFill,omitzero"`
	TertiaryFill        Value `json:"tertiaryFill,omitzero"`
	Success             Value `json:"success,omitzero"`
	Warning             Value `json:"warning,omitzero"`
	Error               Value `json:"error,omitzero"`
	Separator           Value `json:"separator,omitzero"`
	Selection           Value `json:"selection,omitzero"`
}

// Typography is the font of all texts and the style of each kind of text.
type Typography struct {
	FontFamily string    `json:"fontFamily,omitzero" rule:"font"`
	LargeTitle TextStyle `json:"largeTitle,omitzero"`
	Title1     TextStyle `json:"title1,omitzero"`
	Title2     TextStyle `json:"title2,omitzero"`
	Title3     TextStyle `json:"title3,omitzero"`
	Body       TextStyle `json:"body,omitzero"`
	SmallBody  TextStyle `json:"smallBody,omitzero"`
	Button     TextStyle `json:"button,omitzero"`
	Input      TextStyle `json:"input,omitzero"`
}

// TextStyle is the style of one kind of text. FontFamily overrides the font of [Typography].
type TextStyle struct {
	FontFamily    string `json:"fontFamily,omitzero" rule:"font"`
	Size          string `json:"size,omitzero"`
	LineHeight    string `json:"lineHeight,omitzero"`
	LetterSpacing string `json:"letterSpacing,omitzero"`
	Weight        Weight `json:"weight,omitzero"`
}

// Images are URLs of images to use instead of Connect's own.
type Images struct {
	Close                    string `json:"close,omitzero" rule:"image"`
	Search                   string `json:"search,omitzero" rule:"image"`
	Spinner                  string `json:"spinner,omitzero" rule:"image"`
	Radio                    string `json:"radio,omitzero" rule:"image"`
	RadioChecked             string `json:"radioChecked,omitzero" rule:"image"`
	Checkbox                 string `json:"checkbox,omitzero" rule:"image"`
	CheckboxChecked          string `json:"checkboxChecked,omitzero" rule:"image"`
	Verified                 string `json:"verified,omitzero" rule:"image"`
	PermissionAccountNumbers string `json:"permissionAccountNumbers,omitzero" rule:"image"`
	PermissionBalances       string `json:"permissionBalances,omitzero" rule:"image"`
	PermissionIdentity       string `json:"permissionIdentity,omitzero" rule:"image"`
	PermissionTransactions   string `json:"permissionTransactions,omitzero" rule:"image"`
	PermissionInvestments    string `json:"permissionInvestments,omitzero" rule:"image"`
	MFASMS                   string `json:"mfaSms,omitzero" rule:"image"`
	MFAEmail                 string `json:"mfaEmail,omitzero" rule:"image"`
	MFAPhone                 string `json:"mfaPhone,omitzero" rule:"image"`
	ErrorSmall               string `json:"errorSmall,omitzero" rule:"image"`
	NavLogo                  Value  `json:"navLogo,omitzero" rule:"image"`
}

// Spacing is the space to the left and right of contents and of buttons.
type Spacing struct {
	ContentHorizontalInset string `json:"contentHorizontalInset,omitzero"`
	ButtonHorizontalInset  string `json:"buttonHorizontalInset,omitzero"`
}

// Components are the parts of screens.
type Components struct {
	NavigationBar   Line        `json:"navigationBar,omitzero"`
	ContentView     ContentView `json:"contentView,omitzero"`
	Button          Button      `json:"button,omitzero"`
	SearchInput     SearchInput `json:"searchInput,omitzero"`
	TextField       TextField   `json:"textField,omitzero"`
	ProgressSpinner Spinner     `json:"progressSpinner,omitzero"`
	Icon            Icon        `json:"icon,omitzero"`
	Separator       Line        `json:"separator,omitzero"`
	Checkbox        Toggle      `json:"checkbox,omitzero"`
	Radio           Toggle      `json:"radio,omitzero"`
	ConnectedIcon   Tint        `json:"connectedIcon,omitzero"`
}

// Line is a component as wide as the screen.
type Line struct {
	Height string `json:"height,omitzero"`
}

// ContentView is the sheet with the contents of a screen.
type ContentView struct {
	BorderRadius   string                `json:"borderRadius,omitzero"`
	BoxShadow      moneykit.Field[Value] `json:"boxShadow,omitzero"`
	Border         moneykit.Field[Value] `json:"border,omitzero"`
	SeparatorStyle string                `json:"separatorStyle,omitzero" rule:"all|all_except_last|none"`
}

// Button is the main button of a screen.
type Button struct {
	Height                  string               `json:"height,omitzero"`
	BorderRadius            string               `json:"borderRadius,omitzero"`
	InheritInstitutionColor moneykit.Field[bool] `json:"inheritInstitutionColor,omitzero"` // cannot be cleared
	ContinueTitle           string               `json:"continueTitle,omitzero" rule:"text"`
	DoneTitle               string               `json:"doneTitle,omitzero" rule:"text"`
}

// SearchInput is the input with which the user searches for an institution.
type SearchInput struct {
	BackgroundColor moneykit.Field[Value] `json:"backgroundColor,omitzero"`
	Height          string                `json:"height,omitzero"`
	BorderRadius    string                `json:"borderRadius,omitzero"`
	Border          moneykit.Field[Value] `json:"border,omitzero"`
	Alignment       string                `json:"alignment,omitzero" rule:"left|center"`
	Focus           Focus                 `json:"focus,omitzero"`
}

// TextField is an input other than [SearchInput].
type TextField struct {
	BackgroundColor moneykit.Field[Value] `json:"backgroundColor,omitzero"`
	Height          string                `json:"height,omitzero"`
	BorderRadius    string                `json:"borderRadius,omitzero"`
	BoxShadow       moneykit.Field[Value] `json:"boxShadow,omitzero"`
	Focus           Focus                 `json:"focus,omitzero"`
}

// Focus is the appearance of an input that has the focus.
type Focus struct {
	Glow            moneykit.Field[bool]  `json:"glow,omitzero"` // cannot be cleared
	BackgroundColor moneykit.Field[Value] `json:"backgroundColor,omitzero"`
	Border          moneykit.Field[Value] `json:"border,omitzero"`
	BoxShadow       moneykit.Field[Value] `json:"boxShadow,omitzero"`
}

// Spinner is the progress indicator. StrokeWidth and Diameter are in pixels.
type Spinner struct {
	StrokeWidth float64 `json:"strokeWidth,omitzero"`
	Diameter    float64 `json:"diameter,omitzero"`
	LineCap     string  `json:"lineCap,omitzero" rule:"round|butt|square"`
	Color       Value   `json:"color,omitzero"`
}

// Icon is the stroke of icons. StrokeWidth is in pixels.
type Icon struct {
	StrokeWidth float64 `json:"strokeWidth,omitzero"`
	LineCap     string  `json:"lineCap,omitzero" rule:"round|butt|square"`
}

// Toggle is a component that is on or off.
type Toggle struct {
	OffColor Value `json:"offColor,omitzero"`
	OnColor  Value `json:"onColor,omitzero"`
}

// Tint is the color of a component without other settings.
type Tint struct {
	Color Value `json:"color,omitzero"`
}

// Screens are the settings of individual screens.
type Screens struct {
	Finder Finder `json:"finder,omitzero"`
}

// Finder is the screen on which the user searches for an institution.
type Finder struct {
	Title                          string                 `json:"title,omitzero" rule:"text"`
	Subtitle                       moneykit.Field[string] `json:"subtitle,omitzero" rule:"text"`
	SearchPlaceholder              string                 `json:"searchPlaceholder,omitzero" rule:"text"`
	InstitutionCellBoxShadow       moneykit.Field[Value]  `json:"institutionCellBoxShadow,omitzero"`
	InstitutionCellBorderRadius    string                 `json:"institutionCellBorderRadius,omitzero"`
	InstitutionCellBorder          moneykit.Field[Value]  `json:"institutionCellBorder,omitzero"`
	InstitutionCellSpacing         string                 `json:"institutionCellSpacing,omitzero"`
	InstitutionCellBackgroundColor moneykit.Field[Value]  `json:"institutionCellBackgroundColor,omitzero"`
}

// Modal is a window in front of the screen. The overlay is between the two.
type Modal struct {
	BorderRadius           moneykit.Field[string] `json:"borderRadius,omitzero"`
	BoxShadow              moneykit.Field[Value]  `json:"boxShadow,omitzero"`
	OverlayBackgroundColor moneykit.Field[Value]  `json:"overlayBackgroundColor,omitzero"`
	OverlayBackdropFilter  moneykit.Field[Value]  `json:"overlayBackdropFilter,omitzero"`
}

// Popover is a small window next to its component.
type Popover struct {
	BorderRadius moneykit.Field[string] `json:"borderRadius,omitzero"`
	BoxShadow    moneykit.Field[Value]  `json:"boxShadow,omitzero"`
}

// Validate returns nil, or [FieldErrors] with every member that Connect cannot use or that could do
// more than style it. It accepts:
//
//   - for an image, an https URL of at most 2048 bytes, or a data URL of at most 64 KiB with an
//     image in base64;
//   - for a text, at most 512 bytes without <, > and control characters;
//   - for any other string, a CSS value of at most 512 bytes. It consists of letters, digits,
//     spaces, #%.,+-*/_ and functions for colors, lengths and filters. Only names of fonts may be
//     quoted.
//
// Validate does not check whether a CSS value fits its property; browsers ignore one that does not.
func (t Theme) Validate() error {
	var c checker
	c.walk("", reflect.ValueOf(t), "")
	if len(c.wrong) == 0 {
		return nil
	}
	return c.wrong
}

// FieldErrors are the invalid members of a theme, in the order of the type [Theme].
type FieldErrors []FieldError

// FieldError is one invalid member of a theme.
type FieldError struct {
	Field   string // the member's path in the JSON, such as "colors.accent.dark"
	Message string // the rule that the value breaks, such as "must not be empty"; never the value
}

// Error returns the errors in one line, separated by semicolons.
func (e FieldErrors) Error() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.Field + " " + f.Message
	}
	return "theme: " + strings.Join(texts, "; ")
}
