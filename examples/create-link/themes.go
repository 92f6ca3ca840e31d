package main

import (
	"fmt"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect/theme"
)

const defaultLook = "default"

// look is the appearance of the page and of Connect. Each color has a light and a dark value.
type look struct {
	Name, Label string

	accent, onAccent           theme.Value
	background, card           theme.Value
	text, muted, line          theme.Value
	radius, buttonRadius, font string
}

// looks returns all appearances. The first is Connect's own.
func looks() []look {
	const system = "system-ui, sans-serif"
	return []look{
		{
			Name: defaultLook, Label: "Default",
			accent: theme.Value{Light: "#1f4fd8", Dark: "#9db8ff"}, onAccent: theme.Value{Light: "#ffffff", Dark: "#0b1530"},
			background: theme.Value{Light: "#f5f6fa", Dark: "#0f1218"}, card: theme.Value{Light: "#ffffff", Dark: "#191d26"},
			text: theme.Value{Light: "#141824", Dark: "#eef1f8"}, muted: theme.Value{Light: "#586074", Dark: "#a6aec0"},
			line: theme.Value{Light: "#dfe3ec", Dark: "#303645"}, radius: "16px", buttonRadius: "10px", font: system,
		},
		{
			Name: "playful", Label: "Playful",
			accent: theme.Value{Light: "#a8237f", Dark: "#ffa3dc"}, onAccent: theme.Value{Light: "#ffffff", Dark: "#3a0a2b"},
			background: theme.Value{Light: "#fff4fa", Dark: "#1b1020"}, card: theme.Value{Light: "#ffffff", Dark: "#281830"},
			text: theme.Value{Light: "#33122b", Dark: "#fdeefa"}, muted: theme.Value{Light: "#7a4a6d", Dark: "#cfa9c6"},
			line: theme.Value{Light: "#f3d6e8", Dark: "#452c50"}, radius: "28px", buttonRadius: "26px",
			font: "ui-rounded, system-ui, sans-serif",
		},
		{
			Name: "serious", Label: "Serious",
			accent: theme.Value{Light: "#14342b", Dark: "#a9d8c2"}, onAccent: theme.Value{Light: "#ffffff", Dark: "#08211a"},
			background: theme.Value{Light: "#f3f2ee", Dark: "#111412"}, card: theme.Value{Light: "#fdfdfb", Dark: "#1a1f1c"},
			text: theme.Value{Light: "#1b211e", Dark: "#edf1ee"}, muted: theme.Value{Light: "#5b645f", Dark: "#a5afa9"},
			line: theme.Value{Light: "#d5d4cc", Dark: "#343b37"}, radius: "0px", buttonRadius: "0px", font: "Georgia, serif",
		},
	}
}

// connectTheme returns the theme for Connect. Nil means Connect's own.
func (l look) connectTheme() *theme.Theme {
	if l.Name == defaultLook {
		return nil
	}
	return &theme.Theme{
		Colors: theme.Colors{
			Accent: l.accent, PrimaryBackground: l.card, SecondaryBackground: l.background,
			PrimaryContent: l.card, SecondaryContent: l.background,
			PrimaryForeground: l.text, SecondaryForeground: l.muted, TertiaryForeground: l.muted,
			Separator: l.line,
		},
		Typography: theme.Typography{FontFamily: l.font},
		Components: theme.Components{
			ContentView: theme.ContentView{BorderRadius: l.radius},
			Button:      theme.Button{BorderRadius: l.buttonRadius},
			SearchInput: theme.SearchInput{BorderRadius: l.buttonRadius},
			TextField:   theme.TextField{BorderRadius: l.buttonRadius},
		},
		Screens: theme.Screens{Finder: theme.Finder{InstitutionCellBorderRadius: l.buttonRadius}},
		Modal:   theme.Modal{BorderRadius: moneykit.Set(l.radius)},
	}
}

// themeCSS returns the same appearances as custom properties for the page's style sheet.
func themeCSS() string {
	var css strings.Builder
	for _, l := range looks() {
		selector := fmt.Sprintf(":root[data-theme=%q]", l.Name)
		if l.Name == defaultLook {
			selector = ":root"
		}
		fmt.Fprintf(&css, "%s {\n\t--radius: %s; --button-radius: %s; --font: %s;\n", selector, l.radius, l.buttonRadius, l.font)
		for _, color := range []struct {
			name  string
			value theme.Value
		}{
			{"accent", l.accent},
			{"on-accent", l.onAccent},
			{"background", l.background},
			{"card", l.card},
			{"text", l.text},
			{"muted", l.muted},
			{"line", l.line},
		} {
			fmt.Fprintf(&css, "\t--%s: light-dark(%s, %s);\n", color.name, color.value.Light, color.value.Dark)
		}
		css.WriteString("}\n")
	}
	return css.String()
}
