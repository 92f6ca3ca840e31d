package theme

import (
	"encoding/base64"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moneykit/moneykit-go"
)

// walk appends the invalid members of v, whose path is at. The rule says what strings in v hold:
// "image", "text", "font", the choices "a|b|c", or "" for any other CSS value.
func (e *FieldErrors) walk(at string, v reflect.Value, rule string) {
	if v.IsZero() {
		return
	}
	switch value := v.Interface().(type) {
	case string:
		e.check(at, value, rule)
	case Weight:
		e.check(at, string(value), weights)
	case Value:
		e.checkValue(at, value, rule)
	case float64:
		e.add(at, value > 0 && value <= math.MaxInt16, "must be a positive number of pixels")
	case moneykit.Field[bool]:
		e.add(at, !value.IsClear(), "must be true or false")
	case moneykit.Field[string]:
		if set, ok := value.Get(); ok {
			e.check(at, set, rule)
		}
	case moneykit.Field[Value]:
		if set, ok := value.Get(); ok {
			e.checkValue(at, set, rule)
		}
	default:
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			e.walk(strings.TrimPrefix(at+"."+name, "."), v.Field(i), tag.Get("rule"))
		}
	}
}

func (e *FieldErrors) checkValue(at string, v Value, rule string) {
	if v.Dark == "" {
		e.check(at, v.Light, rule)
		return
	}
	e.check(at+".light", v.Light, rule)
	e.check(at+".dark", v.Dark, rule)
}

func (e *FieldErrors) check(at, s, rule string) {
	switch {
	case strings.Trim(s, " ") == "":
		e.add(at, false, "must not be empty")
	case len(s) > 512 && rule != "image", len(s) > 2048 && !strings.HasPrefix(s, "data:"), len(s) > 64<<10:
		e.add(at, false, "must be shorter")
	case rule == "image":
		e.add(at, isImage(s), "must be an https URL, or a data URL with an image in base64")
	case rule == "text":
		bad := func(r rune) bool { return unicode.IsControl(r) || r == '<' || r == '>' }
		e.add(at, utf8.ValidString(s) && !strings.ContainsFunc(s, bad), "must not have <, > or control characters")
	case rule == "font":
		quoted := regexp.MustCompile(`"[\pL\pN ._+&-]+"|'[\pL\pN ._+&-]+'`)
		e.add(at, isCSS(quoted.ReplaceAllLiteralString(s, "name")), "must be names of fonts, such as Inter, sans-serif, or a CSS value")
	case rule == "":
		e.add(at, isCSS(s), "must be a plain CSS value, without quotes, comments and functions such as url()")
	default:
		choices := strings.Split(rule, "|")
		e.add(at, slices.Contains(choices, s), "must be one of "+strings.Join(choices, ", "))
	}
}

// functions are those for colors, lengths and filters. None of them loads anything or reads the
// page.
const functions = " rgb rgba hsl hsla hwb lab lch oklab oklch color color-mix light-dark calc min max clamp round " +
	"blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia "

// isCSS reports whether s is one CSS value that cannot end early, open a comment or call any other
// function.
func isCSS(s string) bool {
	open := 0
	for i, r := range s {
		name := s[strings.LastIndexAny(s[:i], " #%.,+*/()")+1 : i]
		switch {
		case r == '(' && (name == "" || strings.Contains(functions, " "+strings.ToLower(name)+" ")):
			open++
		case r == ')' && open > 0:
			open--
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" #%.,+-*/_", r):
			return false
		}
	}
	return open == 0 && !strings.Contains(s, "/*") && !strings.Contains(s, "*/")
}

// isImage reports whether s is the URL of an image, without the characters that would end a url()
// or an attribute.
func isImage(s string) bool {
	if data, ok := strings.CutPrefix(s, "data:image/"); ok {
		kind, encoded, _ := strings.Cut(data, ";base64,")
		_, err := base64.StdEncoding.Strict().DecodeString(encoded)
		return err == nil && encoded != "" && !strings.ContainsAny(encoded, "\r\n") &&
			slices.Contains([]string{"png", "jpeg", "gif", "webp", "avif", "svg+xml"}, kind)
	}
	bad := func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune("\"'()<>{}\\`", r)
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil &&
		utf8.ValidString(s) && !strings.ContainsFunc(s, bad)
}
