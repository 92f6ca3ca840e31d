package moneykit

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Theme is what Connect Web looks like. What is left out has Connect's default.
//
// Its JSON holds only what is set, while Connect wants each section whole: the front end lays the
// JSON over the theme moneyui of Connect's npm package, member by member, and gives the outcome to
// Connect as its option theme. Connect for apps reads none of it.
//
// Values are those of CSS. A [Field] may also be cleared, which is null to Connect and means none.
type Theme struct {
	Colors     ThemeColors     `json:"colors,omitzero"`
	Typography ThemeTypography `json:"typography,omitzero"`
	Images     ThemeImages     `json:"images,omitzero"`
	Spacing    ThemeSpacing    `json:"spacing,omitzero"`
	Components ThemeComponents `json:"components,omitzero"`
	Screens    ThemeScreens    `json:"screens,omitzero"`
	Modal      ThemeModal      `json:"modal,omitzero"`
	Popover    ThemePopover    `json:"popover,omitzero"`
}

// ThemeValue is a value for both appearances. Where Dark is empty, Light holds for both.
type ThemeValue struct {
	Light string
	Dark  string
}

// themeValue is a ThemeValue with two sides, on the wire.
type themeValue struct {
	Light string `json:"light"`
	Dark  string `json:"dark"`
}

// MarshalJSON returns a string when there is one value for both appearances, else an object.
func (v ThemeValue) MarshalJSON() ([]byte, error) {
	if v.Dark == "" {
		return json.Marshal(v.Light)
	}
	return json.Marshal(themeValue(v))
}

// UnmarshalJSON accepts a string and an object with the members light and dark. null leaves v
// unchanged.
func (v *ThemeValue) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	if data[0] == '{' {
		var two themeValue
		if json.Unmarshal(data, &two) != nil || two.Light == "" || two.Dark == "" {
			return mismatch[ThemeValue]("object")
		}
		*v = ThemeValue(two)
		return nil
	}
	var light string
	if json.Unmarshal(data, &light) != nil {
		return mismatch[ThemeValue]("value")
	}
	*v = ThemeValue{Light: light}
	return nil
}

// ThemeWeight is a font weight: 100, 200 and so on to 900, or a word such as bold.
type ThemeWeight string

// hundreds reports whether w is a weight in digits.
func (w ThemeWeight) hundreds() bool {
	return len(w) == 3 && w[0] >= '1' && w[0] <= '9' && w[1:] == "00"
}

// MarshalJSON returns a number for a weight in digits, a string for a word.
func (w ThemeWeight) MarshalJSON() ([]byte, error) {
	if w.hundreds() {
		return []byte(w), nil
	}
	return json.Marshal(string(w))
}

// UnmarshalJSON accepts a number and a string. null leaves w unchanged.
func (w *ThemeWeight) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	if number := ThemeWeight(data); number.hundreds() {
		*w = number
		return nil
	}
	var word string
	if json.Unmarshal(data, &word) != nil {
		return mismatch[ThemeWeight]("value")
	}
	*w = ThemeWeight(word)
	return nil
}

// ThemeColors are the colors that the components share.
type ThemeColors struct {
	Accent              ThemeValue `json:"accent,omitzero" css:"color"`
	PrimaryBackground   ThemeValue `json:"primaryBackground,omitzero" css:"color"`
	SecondaryBackground ThemeValue `json:"secondaryBackground,omitzero" css:"color"`
	PrimaryContent      ThemeValue `json:"primaryContent,omitzero" css:"color"`
	SecondaryContent    ThemeValue `json:"secondaryContent,omitzero" css:"color"`
	PrimaryForeground   ThemeValue `json:"primaryForeground,omitzero" css:"color"`
	SecondaryForeground ThemeValue `json:"secondaryForeground,omitzero" css:"color"`
	TertiaryForeground  ThemeValue `json:"tertiaryForeground,omitzero" css:"color"`
	PrimaryFill         ThemeValue `json:"primaryFill,omitzero" css:"color"`
	SecondaryFill       ThemeValue `json:"secondaryFill,omitzero" css:"color"`
	TertiaryFill        ThemeValue `json:"tertiaryFill,omitzero" css:"color"`
	Success             ThemeValue `json:"success,omitzero" css:"color"`
	Warning             ThemeValue `json:"warning,omitzero" css:"color"`
	Error               ThemeValue `json:"error,omitzero" css:"color"`
	Separator           ThemeValue `json:"separator,omitzero" css:"color"`
	Selection           ThemeValue `json:"selection,omitzero" css:"color"`
}

// ThemeTypography is the font, and how each kind of text is set in it.
type ThemeTypography struct {
	FontFamily string         `json:"fontFamily,omitzero" css:"font"`
	LargeTitle ThemeTextStyle `json:"largeTitle,omitzero"`
	Title1     ThemeTextStyle `json:"title1,omitzero"`
	Title2     ThemeTextStyle `json:"title2,omitzero"`
	Title3     ThemeTextStyle `json:"title3,omitzero"`
	Body       ThemeTextStyle `json:"body,omitzero"`
	SmallBody  ThemeTextStyle `json:"smallBody,omitzero"`
	Button     ThemeTextStyle `json:"button,omitzero"`
	Input      ThemeTextStyle `json:"input,omitzero"`
}

// ThemeTextStyle is how a kind of text is set.
type ThemeTextStyle struct {
	FontFamily    string      `json:"fontFamily,omitzero" css:"font"`
	Size          string      `json:"size,omitzero" css:"fontSize"`
	LineHeight    string      `json:"lineHeight,omitzero" css:"lineHeight"`
	LetterSpacing string      `json:"letterSpacing,omitzero" css:"letterSpacing"`
	Weight        ThemeWeight `json:"weight,omitzero" css:"weight"`
}

// ThemeImages replaces Connect's images by those at other URLs: https:, or data: with an image in
// base64.
type ThemeImages struct {
	Close                    string     `json:"close,omitzero" css:"image"`
	Search                   string     `json:"search,omitzero" css:"image"`
	Spinner                  string     `json:"spinner,omitzero" css:"image"`
	Radio                    string     `json:"radio,omitzero" css:"image"`
	RadioChecked             string     `json:"radioChecked,omitzero" css:"image"`
	Checkbox                 string     `json:"checkbox,omitzero" css:"image"`
	CheckboxChecked          string     `json:"checkboxChecked,omitzero" css:"image"`
	Verified                 string     `json:"verified,omitzero" css:"image"`
	PermissionAccountNumbers string     `json:"permissionAccountNumbers,omitzero" css:"image"`
	PermissionBalances       string     `json:"permissionBalances,omitzero" css:"image"`
	PermissionIdentity       string     `json:"permissionIdentity,omitzero" css:"image"`
	PermissionTransactions   string     `json:"permissionTransactions,omitzero" css:"image"`
	PermissionInvestments    string     `json:"permissionInvestments,omitzero" css:"image"`
	MFASMS                   string     `json:"mfaSms,omitzero" css:"image"`
	MFAEmail                 string     `json:"mfaEmail,omitzero" css:"image"`
	MFAPhone                 string     `json:"mfaPhone,omitzero" css:"image"`
	ErrorSmall               string     `json:"errorSmall,omitzero" css:"image"`
	NavLogo                  ThemeValue `json:"navLogo,omitzero" css:"image"`
}

// ThemeSpacing is the space beside contents and buttons.
type ThemeSpacing struct {
	ContentHorizontalInset string `json:"contentHorizontalInset,omitzero" css:"inset"`
	ButtonHorizontalInset  string `json:"buttonHorizontalInset,omitzero" css:"inset"`
}

// ThemeComponents are the parts that screens are made of.
type ThemeComponents struct {
	NavigationBar   ThemeLine        `json:"navigationBar,omitzero"`
	ContentView     ThemeContentView `json:"contentView,omitzero"`
	Button          ThemeButton      `json:"button,omitzero"`
	SearchInput     ThemeSearchInput `json:"searchInput,omitzero"`
	TextField       ThemeTextField   `json:"textField,omitzero"`
	ProgressSpinner ThemeSpinner     `json:"progressSpinner,omitzero"`
	Icon            ThemeIcon        `json:"icon,omitzero"`
	Separator       ThemeLine        `json:"separator,omitzero"`
	Checkbox        ThemeToggle      `json:"checkbox,omitzero"`
	Radio           ThemeToggle      `json:"radio,omitzero"`
	ConnectedIcon   ThemeTint        `json:"connectedIcon,omitzero"`
}

// ThemeLine is a part that runs across the screen.
type ThemeLine struct {
	Height string `json:"height,omitzero" css:"height"`
}

// ThemeContentView is the sheet that holds contents.
type ThemeContentView struct {
	BorderRadius   string            `json:"borderRadius,omitzero" css:"radius"`
	BoxShadow      Field[ThemeValue] `json:"boxShadow,omitzero" css:"shadow"`
	Border         Field[ThemeValue] `json:"border,omitzero" css:"border"`
	SeparatorStyle string            `json:"separatorStyle,omitzero" css:"all|all_except_last|none"`
}

// ThemeButton is the main button.
type ThemeButton struct {
	Height                  string      `json:"height,omitzero" css:"height"`
	BorderRadius            string      `json:"borderRadius,omitzero" css:"radius"`
	InheritInstitutionColor Field[bool] `json:"inheritInstitutionColor,omitzero"` // cannot be cleared
	ContinueTitle           string      `json:"continueTitle,omitzero" css:"text"`
	DoneTitle               string      `json:"doneTitle,omitzero" css:"text"`
}

// ThemeSearchInput is where the user types to find an institution.
type ThemeSearchInput struct {
	BackgroundColor Field[ThemeValue] `json:"backgroundColor,omitzero" css:"color"`
	Height          string            `json:"height,omitzero" css:"height"`
	BorderRadius    string            `json:"borderRadius,omitzero" css:"radius"`
	Border          Field[ThemeValue] `json:"border,omitzero" css:"border"`
	Alignment       string            `json:"alignment,omitzero" css:"left|center"`
	Focus           ThemeFocus        `json:"focus,omitzero"`
}

// ThemeTextField is where the user types anything else.
type ThemeTextField struct {
	BackgroundColor Field[ThemeValue] `json:"backgroundColor,omitzero" css:"color"`
	Height          string            `json:"height,omitzero" css:"height"`
	BorderRadius    string            `json:"borderRadius,omitzero" css:"radius"`
	BoxShadow       Field[ThemeValue] `json:"boxShadow,omitzero" css:"shadow"`
	Focus           ThemeFocus        `json:"focus,omitzero"`
}

// ThemeFocus is what changes while the user types.
type ThemeFocus struct {
	Glow            Field[bool]       `json:"glow,omitzero"` // cannot be cleared
	BackgroundColor Field[ThemeValue] `json:"backgroundColor,omitzero" css:"color"`
	Border          Field[ThemeValue] `json:"border,omitzero" css:"border"`
	BoxShadow       Field[ThemeValue] `json:"boxShadow,omitzero" css:"shadow"`
}

// ThemeSpinner shows that something is going on. Its measures are pixels.
type ThemeSpinner struct {
	StrokeWidth float64    `json:"strokeWidth,omitzero"`
	Diameter    float64    `json:"diameter,omitzero"`
	LineCap     string     `json:"lineCap,omitzero" css:"round|butt|square"`
	Color       ThemeValue `json:"color,omitzero" css:"color"`
}

// ThemeIcon is how icons are drawn. The stroke is as wide as that many pixels.
type ThemeIcon struct {
	StrokeWidth float64 `json:"strokeWidth,omitzero"`
	LineCap     string  `json:"lineCap,omitzero" css:"round|butt|square"`
}

// ThemeToggle is what can be on or off.
type ThemeToggle struct {
	OffColor ThemeValue `json:"offColor,omitzero" css:"color"`
	OnColor  ThemeValue `json:"onColor,omitzero" css:"color"`
}

// ThemeTint is what has a color alone.
type ThemeTint struct {
	Color ThemeValue `json:"color,omitzero" css:"color"`
}

// ThemeScreens are the screens that have something of their own.
type ThemeScreens struct {
	Finder ThemeFinder `json:"finder,omitzero"`
}

// ThemeFinder is the screen on which the user finds an institution.
type ThemeFinder struct {
	Title                          string            `json:"title,omitzero" css:"text"`
	Subtitle                       Field[string]     `json:"subtitle,omitzero" css:"text"`
	SearchPlaceholder              string            `json:"searchPlaceholder,omitzero" css:"text"`
	InstitutionCellBoxShadow       Field[ThemeValue] `json:"institutionCellBoxShadow,omitzero" css:"shadow"`
	InstitutionCellBorderRadius    string            `json:"institutionCellBorderRadius,omitzero" css:"radius"`
	InstitutionCellBorder          Field[ThemeValue] `json:"institutionCellBorder,omitzero" css:"border"`
	InstitutionCellSpacing         string            `json:"institutionCellSpacing,omitzero" css:"spacing"`
	InstitutionCellBackgroundColor Field[ThemeValue] `json:"institutionCellBackgroundColor,omitzero" css:"color"`
}

// ThemeModal is a window in front of others, and what lies between.
type ThemeModal struct {
	BorderRadius           Field[string]     `json:"borderRadius,omitzero" css:"radius"`
	BoxShadow              Field[ThemeValue] `json:"boxShadow,omitzero" css:"shadow"`
	OverlayBackgroundColor Field[ThemeValue] `json:"overlayBackgroundColor,omitzero" css:"color"`
	OverlayBackdropFilter  Field[ThemeValue] `json:"overlayBackdropFilter,omitzero" css:"filter"`
}

// ThemePopover is a small window that points at something.
type ThemePopover struct {
	BorderRadius Field[string]     `json:"borderRadius,omitzero" css:"radius"`
	BoxShadow    Field[ThemeValue] `json:"boxShadow,omitzero" css:"shadow"`
}

// Validate reports what Connect could not use, and what could do more than style it. It accepts
// CSS colors, lengths, shadows, borders, filters and font families, without url(), var() and
// comments. It fails with an [*Error] that has [ErrorCodeValidationFailed], and all that is wrong
// in its Fields, such as "colors.accent.dark". The error does not repeat the values.
func (t Theme) Validate() error {
	fields := themeFields(nil, "", reflect.ValueOf(t), "")
	if len(fields) == 0 {
		return nil
	}
	return &Error{
		Operation: "Theme.Validate",
		Code:      ErrorCodeValidationFailed,
		Message:   "the theme is not valid",
		Fields:    fields,
	}
}

// themeFields appends what is wrong with v, which is at path and has to follow rule.
func themeFields(fields []FieldError, path string, v reflect.Value, rule string) []FieldError {
	check := func(at, value string) {
		if err := checkCSS(rule, value); err != nil {
			fields = append(fields, FieldError{Field: at, Message: err.Error()})
		}
	}
	both := func(value ThemeValue) {
		if value.Dark == "" {
			check(path, value.Light)
			return
		}
		check(path+".light", value.Light)
		check(path+".dark", value.Dark)
	}
	if v.IsZero() {
		return fields
	}
	switch value := v.Interface().(type) {
	case string:
		check(path, value)
	case ThemeWeight:
		check(path, string(value))
	case ThemeValue:
		both(value)
	case Field[string]:
		if s, ok := value.Get(); ok {
			check(path, s)
		}
	case Field[ThemeValue]:
		if s, ok := value.Get(); ok {
			both(s)
		}
	case Field[bool]:
		if value.IsClear() {
			fields = append(fields, FieldError{Field: path, Message: "must be true or false"})
		}
	case float64:
		if !(value > 0 && value <= math.MaxInt16) {
			fields = append(fields, FieldError{Field: path, Message: "must be a positive number of pixels"})
		}
	default:
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			if path != "" {
				name = path + "." + name
			}
			fields = themeFields(fields, name, v.Field(i), tag.Get("css"))
		}
	}
	return fields
}

// checkCSS says what is wrong with s under a rule.
func checkCSS(rule, s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	switch rule {
	case "image":
		return checkImage(s)
	case "text":
		return checkText(s)
	case "font":
		if !isFontFamily(s) {
			return errors.New("must be font families, such as Inter, sans-serif")
		}
		return nil
	}
	if len(s) > maxCSS {
		return errors.New("must be shorter")
	}
	if choices := strings.Split(rule, "|"); len(choices) > 1 {
		if slices.Contains(choices, s) {
			return nil
		}
		return errors.New("must be one of " + strings.Join(choices, ", "))
	}
	return cssValue(s).check(rule)
}

func mismatch[T any](found string) error {
	return &json.UnmarshalTypeError{Value: found, Type: reflect.TypeFor[T]()}
}
