package theme

import (
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go"
)

// checker collects the invalid members of a theme.
type checker struct{ wrong FieldErrors }

// walk adds the invalid members of v, whose path is at. The rule is the kind of all strings in v:
// "image", "text", "font", the choices "a|b|c", or "" for any other CSS value.
func (c *checker) walk(at string, v reflect.Value, rule string) {
	if v.IsZero() {
		return
	}
	switch value := v.Interface().(type) {
	case string:
		c.check(at, value, rule)
	case Weight:
		c.check(at, string(value), weights)
	case Value:
		c.checkValue(at, value, rule)
	case float64:
		c.add(at, value > 0 && value <= math.MaxInt16, "must be a positive number of pixels")
	case moneykit.Field[bool]:
		c.add(at, !value.IsClear(), "must be true or false")
	case moneykit.Field[string]:
		if set, ok := value.Get(); ok {
			c.check(at, set, rule)
		}
	case moneykit.Field[Value]:
		if set, ok := value.Get(); ok {
			c.checkValue(at, set, rule)
		}
	default:
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			c.walk(strings.TrimPrefix(at+"."+name, "."), v.Field(i), tag.Get("rule"))
		}
	}
}

func (c *checker) add(at string, ok bool, message string) {
	if !ok {
		c.wrong = append(c.wrong, FieldError{at, message})
	}
}

func (c *checker) checkValue(at string, v Value, rule string) {
	if v.Dark == "" {
		c.check(at, v.Light, rule)
		return
	}
	c.check(at+".light", v.Light, rule)
	c.check(at+".dark", v.Dark, rule)
}

func (c *checker) check(at, s, rule string) {
	switch {
	case strings.Trim(s, " ") == "":
		c.add(at, false, "must not be empty")
	case len(s) > 512 && rule != "image", len(s) > 2048 && !strings.HasPrefix(s, "data:"), len(s) > 64<<10:
		c.add(at, false, "must be shorter")
	case rule == "image":
		c.add(at, isImage(s), "must be an https URL, or a data URL with an image in base64")
	case rule == "text":
		bad := func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("<>\uFFFD", r) }
		c.add(at, !strings.ContainsFunc(s, bad), "must not have <, > or control characters")
	case rule == "font":
		quoted := regexp.MustCompile(`"[\pL\pN ._+&-]+"|'[\pL\pN ._+&-]+'`)
		c.add(at, isCSS(quoted.ReplaceAllLiteralString(s, "name")), "must be names of fonts, such as Inter, sans-serif, or a CSS value")
	case rule == "":
		c.add(at, isCSS(s), "must be a plain CSS value, without quotes, comments and functions such as url()")
	default:
		choices := strings.Split(rule, "|")
		c.add(at, slices.Contains(choices, s), "must be one of "+strings.Join(choices, ", "))
	}
}

// functions are the CSS functions that values may call, for colors, lengths and filters. None of
// them loads anything or reads the page.
const functions = " rgb rgba hsl hsla hwb lab lch oklab oklch color color-mix light-dark calc min max clamp round " +
	"blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia "

// isCSS reports whether s is a CSS value that cannot end its declaration and calls only
// [functions].
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

// isImage reports whether s is the URL of an image that cannot end a url() or an attribute.
func isImage(s string) bool {
	if strings.HasPrefix(s, "data:") {
		return regexp.MustCompile(`^data:image/(png|jpeg|gif|webp|avif|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$`).MatchString(s)
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune("\"'()<>{}\\`\uFFFD", r)
		})
}
