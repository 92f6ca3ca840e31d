package pages

import (
	"embed"
	"encoding/json"
	"html/template"
	"math"
	"strconv"
	"strings"
)

//go:embed screens.html bank.html connect.css connect.js panel.js
var assets embed.FS

// templates parses the shell, the screens and the pages of the bank.
func templates() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"ink":       ink,
		"fields":    fields,
		"icon":      icon,
		"badge":     badge,
		"countries": severalCountries,
		"first":     func(i int) bool { return i == 0 },
	}).ParseFS(assets, "screens.html", "bank.html"))
}

// fields encodes the values of a hint for panel.js, which fills them in.
func fields(h hint) (string, error) {
	data, err := json.Marshal(h.Fill)
	return string(data), err
}

// severalCountries reports whether the banks are in more than one country.
func severalCountries(banks []bankView) bool {
	for _, b := range banks {
		if b.Country != banks[0].Country {
			return true
		}
	}
	return false
}

// ink returns a text color that is readable on a background color in the form #rrggbb.
func ink(background string) string {
	rgb, err := strconv.ParseUint(strings.TrimPrefix(background, "#"), 16, 32)
	if err != nil {
		return "#fff"
	}
	luminance := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} { // blue, green, red
		c := float64(rgb>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		luminance += weight * c
	}
	if luminance > 0.1833 { // White text has a contrast below the 4.5:1 of WCAG.
		return "#111"
	}
	return "#fff"
}
