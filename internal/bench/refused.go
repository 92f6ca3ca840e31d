package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/usage"
)

// largeBody is the size of the largest body whose refusal is explained.
const largeBody = 64 << 10

// shapes returns bodies of that size that could be expensive to read.
func shapes() map[string][]byte {
	fill := func(start, part, end string) []byte {
		return []byte(start + strings.Repeat(part, (largeBody-len(start)-len(end))/len(part)) + end)
	}
	members := func(format, start, end string) []byte {
		text := []byte(start)
		for i := 0; len(text) < largeBody-len(end)-20; i++ {
			text = fmt.Appendf(text, format, i)
		}
		return append(bytes.TrimSuffix(text, []byte(",")), end...)
	}
	deep := strings.Repeat("[", 90)
	random := make([]byte, largeBody)
	source := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // The same bytes in each run.
	for i := range random {
		random[i] = byte(source.UintN(256)) //nolint:gosec // It fits.
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, flate.BestCompression) // The level is valid.
	_, _ = w.Write(make([]byte, 4<<20))                         // A buffer returns no errors.
	_ = w.Close()
	return map[string][]byte{
		"nesting":                fill("", "[", ""),
		"nesting of objects":     fill("", `{"a":`, ""),
		"closed nesting":         []byte(strings.Repeat("[", largeBody/2) + strings.Repeat("]", largeBody/2)),
		"objects at depth 90":    fill(`{"a":`+deep+`0`, `,{"a":0}`, strings.Repeat("]", 90)+"}"),
		"members":                members(`"m%d":0,`, "{", "}"),
		"members, escaped":       members(`"\u006d%06d":0,`, "{", "}"),
		"members, nested":        members(`"m%06d":{"a":0},`, `{"a":{`, "}}"),
		"members of one name":    fill(`{"a":0`, `,"a":0`, "}"),
		"nested of one name":     fill(`{"a":[0`, `,{"b":0,"b":0}`, "]}"),
		"a text":                 fill(`{"link_id":"`, "x", `"}`),
		"a text of two bytes":    fill(`{"link_id":"`, "é", `"}`),
		"a text of invalid":      fill(`"`, "\xff", `"`),
		"invalid UTF-8":          fill("", "\xff", ""),
		"half characters":        fill(`{"link_id":"`, "\xe2\x82", `"}`),
		"escapes":                fill(`{"link_id":"`, `\u0041`, `"}`),
		"surrogates":             fill(`{"link_id":"`, `\ud83d\ude00`, `"}`),
		"half surrogates":        fill(`{"link_id":"`, `\ud83d`, `"}`),
		"backslashes":            fill(`{"link_id":"`, `\\`, `"}`),
		"tags":                   fill(`{"webhook_event":"link.state_changed","link_tags":["x"`, `,"x"`, "]}"),
		"tags with escapes":      fill(`{"webhook_event":"link.state_changed","link_tags":["x"`, `,"\n"`, "]}"),
		"numbers":                fill(`{"a":[0`, `,1e308`, "]}"),
		"numbers too large":      fill(`{"a":[0`, `,1e999`, "]}"),
		"a number":               fill(`{"webhook_major_version":1`, "0", "}"),
		"empty texts":            fill(`{"a":[""`, `,""`, "]}"),
		"empty objects":          fill(`{"a":[{}`, `,{}`, "]}"),
		"empty arrays":           fill("[[]", ",[]", "]"),
		"words":                  fill(`{"a":[null`, ",null", "]}"),
		"spaces":                 fill("{", " ", "}"),
		"line ends":              fill("{", "\r\n", "}"),
		"signs of HTML":          fill(`{"link_id":"`, "<", `"}`),
		"percent signs":          fill("", "%41", ""),
		"base64":                 fill("", "QUFB", ""),
		"random bytes":           random,
		"gzip that grows":        packed.Bytes(),
		"quotes that do not end": fill(`{"a`, `"`, ""),
	}
}

// refused measures the largest cost of a refused body. An altered body is refused with an
// explanation of its difference from the signed body. A signed body is refused because it is not an
// event.
func refused(ctx context.Context, _ config) ([]row, error) {
	s, err := newSigner()
	if err != nil {
		return nil, err
	}
	other, err := s.sign([]byte("another body"))
	if err != nil {
		return nil, err
	}
	slowest, largest := row{unit: " ms", goal: 15, bound: 60}, row{unit: " MB", goal: 8, bound: 8}
	note := func(kind, shape string, milliseconds, megabytes float64) {
		if milliseconds > slowest.value {
			slowest.value, slowest.name = milliseconds, "slowest refused body: "+shape+", "+kind
		}
		if megabytes > largest.value {
			largest.value, largest.name = megabytes, "memory of a refused body: "+shape+", "+kind
		}
	}
	for shape, body := range shapes() {
		own, err := s.sign(body)
		if err != nil {
			return nil, err
		}
		for kind, with := range map[string]struct {
			signature
			want error
		}{"altered": {other, moneykit.ErrBodyMismatch}, "signed": {own, moneykit.ErrMalformedEvent}} {
			ms, mb, err := refusal(ctx, s, with.signature, body, with.want)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", shape, kind, err)
			}
			note(kind, shape, ms, mb)
		}
	}
	return []row{slowest, largest}, nil
}

// refusal returns the processor time and memory of refusing a body.
func refusal(ctx context.Context, s *signer, sig signature, body []byte, want error) (milliseconds, megabytes float64, err error) {
	client, err := s.client() // A new client, because a client explains only five bodies a minute.
	if err != nil {
		return 0, 0, err
	}
	if _, err := client.Webhooks.Verify(ctx, sig.header, nil); err == nil { // This call fetches the keys.
		return 0, 0, errors.New("an empty body was not refused")
	}
	verify := func() error {
		_, err := client.Webhooks.Verify(ctx, sig.header, body)
		if errors.Is(err, want) || (err == nil && errors.Is(want, moneykit.ErrMalformedEvent)) { // It may be an unknown event.
			return nil
		}
		return errors.Join(errors.New("the body was not refused with the expected error"), err)
	}
	var times []float64
	for range 3 {
		start := usage.CPU()
		if err := verify(); err != nil {
			return 0, 0, err
		}
		times = append(times, (usage.CPU()-start)*1000)
	}
	_, allocated, err := allocations(1, verify)
	return quantile(times, 0.5), allocated / 1e6, err
}
