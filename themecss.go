package moneykit

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long the values of a theme may be, in bytes.
const (
	maxCSS      = 512
	maxText     = 512
	maxImageURL = 2048
	maxImage    = 64 << 10 // within the URL itself
)

// cssValue is the value of a CSS property, in lower case once its characters have been checked.
type cssValue string

// check says what is wrong with a value under a rule of [Theme].
func (v cssValue) check(rule string) error {
	if strings.ContainsFunc(string(v), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(" #%.,+-*/()", r)
	}) {
		return errors.New("has characters that it cannot have")
	}
	v = cssValue(strings.ToLower(string(v)))
	anywhere := v.is("inherit", "initial", "revert", "revert-layer", "unset")
	switch rule {
	case "color":
		if !anywhere && !v.isColor() {
			return errors.New("must be a CSS color, such as #0077ff, rgb(0 119 255) or navy")
		}
	case "fontSize":
		if !anywhere && !v.isLength(length{percent: true}) && !v.is("xx-small", "x-small", "small", "medium",
			"large", "x-large", "xx-large", "xxx-large", "smaller", "larger") {
			return errors.New("must be a CSS font size, such as 16px or 1.2rem")
		}
	case "lineHeight":
		if !anywhere && !v.isLength(length{percent: true, number: true}) && !v.is("normal") {
			return errors.New("must be a CSS line height, such as 24px or 1.5")
		}
	case "letterSpacing":
		if !anywhere && !v.isLength(length{percent: true, negative: true}) && !v.is("normal") {
			return errors.New("must be a CSS letter spacing, such as -0.01em")
		}
	case "weight":
		if !anywhere && !ThemeWeight(v).hundreds() && !v.is("normal", "bold", "lighter", "bolder") {
			return errors.New("must be 100, 200 and so on to 900, or normal, bold, lighter or bolder")
		}
	case "inset":
		if !anywhere && !v.isLength(length{percent: true, negative: true}) {
			return errors.New("must be a CSS length, such as 24px")
		}
	case "spacing":
		if !anywhere && !v.isLength(length{percent: true}) && !v.is("normal") {
			return errors.New("must be a CSS length, such as 8px")
		}
	case "height":
		if !anywhere && !v.isLength(length{percent: true}) && !v.is("auto", "min-content", "max-content", "fit-content") {
			return errors.New("must be a CSS height, such as 48px")
		}
	case "radius":
		if !anywhere && !v.isRadius() {
			return errors.New("must be a CSS border radius, such as 8px")
		}
	case "shadow":
		if !anywhere && !v.is("none") && !v.isShadows() {
			return errors.New("must be a CSS box shadow, such as 0 2px 8px #0003")
		}
	case "border":
		if !anywhere && !v.isBorder() {
			return errors.New("must be a CSS border, such as 1px solid #ddd")
		}
	case "filter":
		if !anywhere && !v.is("none") && !v.isFilters() {
			return errors.New("must be a CSS filter, such as blur(4px)")
		}
	default:
		return errors.New("has no rule")
	}
	return nil
}

func (v cssValue) is(words ...string) bool { return slices.Contains(words, string(v)) }

// split cuts v at separators outside of parentheses. Around a comma or slash there may be spaces;
// as separators, several spaces are one. It returns nil if parentheses do not match.
func (v cssValue) split(separator byte) []cssValue {
	var parts []cssValue
	depth, start := 0, 0
	for i := 0; i <= len(v); i++ {
		switch {
		case i == len(v) || (v[i] == separator && depth == 0):
			part := cssValue(strings.Trim(string(v[start:i]), " "))
			if part != "" || separator != ' ' {
				parts = append(parts, part)
			}
			start = i + 1
		case v[i] == '(':
			depth++
		case v[i] == ')':
			if depth--; depth < 0 {
				return nil
			}
		}
	}
	if depth != 0 {
		return nil
	}
	return parts
}

// call takes name(inner) apart.
func (v cssValue) call() (name string, inner cssValue, ok bool) {
	name, rest, found := strings.Cut(string(v), "(")
	body, closed := strings.CutSuffix(rest, ")")
	return name, cssValue(body), found && closed
}

// number returns the number at the beginning of v and what follows it; ok is false without one.
func (v cssValue) number() (digits, unit cssValue, ok bool) {
	i := 0
	run := func() bool {
		from := i
		for i < len(v) && v[i] >= '0' && v[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(v) && (v[i] == '+' || v[i] == '-') {
		i++
	}
	ok = run()
	if i+1 < len(v) && v[i] == '.' && v[i+1] >= '0' && v[i+1] <= '9' {
		i++
		ok = run()
	}
	if end := i; ok && i < len(v) && v[i] == 'e' {
		i++
		if i < len(v) && (v[i] == '+' || v[i] == '-') {
			i++
		}
		if !run() {
			i = end // it belongs to a unit such as em
		}
	}
	return v[:i], v[i:], ok
}

// length says what may stand for a length besides.
type length struct{ percent, negative, number bool }

func (v cssValue) isLength(may length) bool {
	if strings.Contains(string(v), "(") {
		rest, ok := v.math(0)
		return ok && rest == ""
	}
	digits, unit, ok := v.number()
	if !ok || (digits[0] == '-' && !may.negative && strings.ContainsAny(string(digits), "123456789")) {
		return false
	}
	switch unit {
	case "":
		return may.number || !strings.ContainsAny(string(digits), "123456789")
	case "%":
		return may.percent
	}
	return unit.isUnit()
}

func (v cssValue) isUnit() bool {
	return v.is("px", "em", "rem", "ex", "rex", "ch", "rch", "cap", "rcap", "ic", "ric", "lh", "rlh",
		"vw", "vh", "vi", "vb", "vmin", "vmax", "svw", "svh", "svi", "svb", "svmin", "svmax",
		"lvw", "lvh", "lvi", "lvb", "lvmin", "lvmax", "dvw", "dvh", "dvi", "dvb", "dvmin", "dvmax",
		"cqw", "cqh", "cqi", "cqb", "cqmin", "cqmax", "cm", "mm", "q", "in", "pt", "pc")
}

// math reads a call of a math function and returns what follows it.
func (v cssValue) math(depth int) (rest cssValue, ok bool) {
	open := strings.IndexByte(string(v), '(')
	if open < 0 || depth > 8 {
		return v, false
	}
	var least, most int
	switch v[:open] {
	case "", "calc": // parentheses alone are a calc within another
		least, most = 1, 1
		if open == 0 && depth == 0 {
			return v, false
		}
	case "clamp":
		least, most = 3, 3
	case "min", "max":
		least, most = 1, len(v)
	default:
		return v, false
	}
	rest = v[open+1:]
	for n := 1; ; n++ {
		if rest, ok = rest.sum(depth + 1); !ok || rest == "" {
			return rest, false
		}
		switch rest[0] {
		case ')':
			return rest[1:], n >= least && n <= most
		case ',':
			rest = rest[1:]
		default:
			return rest, false
		}
	}
}

// sum reads a calculation and the spaces around it. A + or - has spaces around it.
func (v cssValue) sum(depth int) (rest cssValue, ok bool) {
	for {
		v = v.trim()
		if v == "" {
			return v, false
		}
		if v[0] == '(' || (v[0] >= 'a' && v[0] <= 'z') {
			if v, ok = v.math(depth); !ok {
				return v, false
			}
		} else {
			_, after, found := v.number()
			end := strings.IndexFunc(string(after), func(r rune) bool { return (r < 'a' || r > 'z') && r != '%' })
			if end < 0 || !found || (end > 0 && after[:end] != "%" && !after[:end].isUnit()) {
				return v, false
			}
			v = after[end:]
		}
		next := v.trim()
		switch {
		case next == "":
			return next, false
		case next[0] == '*' || next[0] == '/':
			v = next[1:]
		case (strings.HasPrefix(string(next), "+ ") || strings.HasPrefix(string(next), "- ")) && len(next) < len(v):
			v = next[1:]
		default:
			return next, true
		}
	}
}

func (v cssValue) trim() cssValue { return cssValue(strings.TrimLeft(string(v), " ")) }

func (v cssValue) isColor() bool {
	if hex, ok := strings.CutPrefix(string(v), "#"); ok {
		return (len(hex) == 3 || len(hex) == 4 || len(hex) == 6 || len(hex) == 8) && strings.Trim(hex, "0123456789abcdef") == ""
	}
	if name, inner, ok := v.call(); ok {
		return isColorCall(name, inner)
	}
	return strings.Contains(cssColors, " "+string(v)+" ") && !strings.Contains(string(v), " ")
}

// isColorCall knows the functions with plain arguments, with commas and without.
func isColorCall(name string, inner cssValue) bool {
	if strings.ContainsAny(string(inner), "()") {
		return false
	}
	var kinds string // of each argument: number or percentage, hue, percentage
	switch name {
	case "rgb", "rgba", "lab", "oklab", "color":
		kinds = "nnn"
	case "hsl", "hsla", "hwb":
		kinds = "hnn"
	case "lch", "oklch":
		kinds = "nnh"
	default:
		return false
	}
	if parts := inner.split(','); len(parts) > 1 {
		if name[:3] == "hsl" {
			kinds = "hpp"
		} else if name[:3] != "rgb" {
			return false
		}
		if len(parts) == 3 {
			parts = append(parts, "1")
		}
		if len(parts) != 4 || !parts[3].isColorPart('n', false) {
			return false
		}
		percents := 0
		for i, kind := range []byte(kinds) {
			if !parts[i].isColorPart(kind, false) {
				return false
			}
			if strings.HasSuffix(string(parts[i]), "%") {
				percents++
			}
		}
		return kinds == "hpp" || percents == 0 || percents == 3
	}
	halves := inner.split('/')
	if len(halves) > 2 || (len(halves) == 2 && !halves[1].isColorPart('n', true)) {
		return false
	}
	parts := halves[0].split(' ')
	if name == "color" {
		if len(parts) == 0 || !parts[0].is("srgb", "srgb-linear", "display-p3", "a98-rgb", "prophoto-rgb", "rec2020",
			"xyz", "xyz-d50", "xyz-d65") {
			return false
		}
		parts = parts[1:]
	}
	if len(parts) != 3 {
		return false
	}
	for i, kind := range []byte(kinds) {
		if !parts[i].isColorPart(kind, true) {
			return false
		}
	}
	return true
}

func (v cssValue) isColorPart(kind byte, none bool) bool {
	if v == "none" {
		return none
	}
	_, unit, ok := v.number()
	switch kind {
	case 'h':
		return ok && unit.is("", "deg", "grad", "rad", "turn")
	case 'p':
		return ok && unit == "%"
	}
	return ok && unit.is("", "%")
}

func (v cssValue) isRadius() bool {
	halves := v.split('/')
	if len(halves) > 2 {
		return false
	}
	for _, half := range halves {
		parts := half.split(' ')
		if len(parts) < 1 || len(parts) > 4 {
			return false
		}
		for _, part := range parts {
			if !part.isLength(length{percent: true}) {
				return false
			}
		}
	}
	return len(halves) > 0
}

func (v cssValue) isShadows() bool {
	layers := v.split(',')
	for _, layer := range layers {
		if !layer.isShadow(4, true) {
			return false
		}
	}
	return len(layers) > 0
}

// isShadow accepts 2 to most lengths in a row, and a color and inset before or behind them.
func (v cssValue) isShadow(most int, mayInset bool) bool {
	lengths, colors, insets, last := 0, 0, 0, -1
	for i, part := range v.split(' ') {
		switch {
		case part == "inset":
			insets++
		case part.isColor():
			colors++
		case part.isLength(length{negative: lengths != 2}) && (lengths == 0 || last == i-1): // no blur below 0
			lengths++
			last = i
		default:
			return false
		}
	}
	return lengths >= 2 && lengths <= most && colors <= 1 && (insets == 0 || (insets == 1 && mayInset))
}

func (v cssValue) isBorder() bool {
	widths, styles, colors := 0, 0, 0
	for _, part := range v.split(' ') {
		switch {
		case part.is("none", "hidden", "dotted", "dashed", "solid", "double", "groove", "ridge", "inset", "outset"):
			styles++
		case part.is("thin", "medium", "thick"), part.isLength(length{}):
			widths++
		case part.isColor():
			colors++
		default:
			return false
		}
	}
	return widths <= 1 && styles <= 1 && colors <= 1 && widths+styles+colors > 0
}

func (v cssValue) isFilters() bool {
	filters := v.split(' ')
	for _, filter := range filters {
		name, inner, ok := filter.call()
		digits, unit, isNumber := inner.number()
		switch name {
		case "blur":
			ok = ok && (inner == "" || inner.isLength(length{}))
		case "brightness", "contrast", "grayscale", "invert", "opacity", "saturate", "sepia":
			ok = ok && (inner == "" || (isNumber && unit.is("", "%") && digits[0] != '-'))
		case "hue-rotate":
			ok = ok && (inner == "" || inner == "0" || (isNumber && unit.is("deg", "grad", "rad", "turn")))
		case "drop-shadow":
			ok = ok && inner.isShadow(3, false)
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return len(filters) > 0
}

// isFontFamily accepts names between commas. A name with other than letters, digits and hyphens
// stands between quotes.
func isFontFamily(s string) bool {
	if len(s) > maxCSS || !utf8.ValidString(s) {
		return false
	}
	letter := func(r rune) bool { return unicode.IsLetter(r) || r == '_' }
	for family := range strings.SplitSeq(s, ",") {
		family = strings.Trim(family, " ")
		quoted := len(family) > 2 && (family[0] == '"' || family[0] == '\'') && family[len(family)-1] == family[0]
		if quoted {
			family = family[1 : len(family)-1]
		}
		for word := range strings.SplitSeq(family, " ") {
			if quoted {
				if strings.ContainsFunc(word, func(r rune) bool { return !letter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-.&+", r) }) {
					return false
				}
				continue
			}
			start, _ := utf8.DecodeRuneInString(strings.TrimPrefix(word, "-"))
			if !letter(start) || strings.ContainsFunc(word, func(r rune) bool { return !letter(r) && !unicode.IsDigit(r) && r != '-' }) {
				return false
			}
		}
	}
	return true
}

// checkText says why s is not a text to be shown.
func checkText(s string) error {
	switch {
	case len(s) > maxText:
		return errors.New("must be shorter")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("must not have control characters")
	case strings.ContainsAny(s, "<>"):
		return errors.New("must not have < or >")
	}
	return nil
}

// checkImage says why s is not the URL of an image. It could come to stand within url().
func checkImage(s string) error {
	if data, ok := strings.CutPrefix(s, "data:image/"); ok {
		kind, encoded, found := strings.Cut(data, ";base64,")
		_, err := base64.StdEncoding.Strict().DecodeString(encoded)
		switch {
		case len(s) > maxImage:
			return errors.New("must be shorter")
		case !found || err != nil || encoded == "" || strings.ContainsAny(encoded, "\r\n") ||
			!slices.Contains([]string{"png", "jpeg", "gif", "webp", "avif", "svg+xml"}, kind):
			return errors.New("must be an image in base64")
		}
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case len(s) > maxImageURL:
		return errors.New("must be shorter")
	case strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`"'()<>\`+"`", r)
	}):
		return errors.New("must not have spaces, quotes, brackets, backslashes or control characters")
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil:
		return errors.New("must be an https URL, or a data URL with an image")
	}
	return nil
}

// cssColors are the names of CSS's colors, between spaces.
const cssColors = " transparent currentcolor " +
	"aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown " +
	"burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan " +
	"darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid " +
	"darkred darksalmon darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet " +
	"deeppink deepskyblue dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro " +
	"ghostwhite gold goldenrod gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki " +
	"lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow " +
	"lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray " +
	"lightslategrey lightsteelblue lightyellow lime limegreen linen magenta maroon mediumaquamarine mediumblue " +
	"mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen mediumturquoise " +
	"mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive olivedrab orange " +
	"orangered orchid palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum " +
	"powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell " +
	"sienna silver skyblue slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato " +
	"turquoise violet wheat white whitesmoke yellow yellowgreen "
