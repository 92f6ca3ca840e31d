package wirejson

// The methods in this file read a value into *to. null leaves *to unchanged. A value of another
// kind is an error.

// Text reads a string, or the text of a number.
func (c *Cursor) Text(to *string) {
	switch text, kind := c.Scalar(); kind {
	case KindString, KindNumber:
		*to = c.Keep(text)
	case KindOther:
		c.Wrong("a text")
	case KindNull:
	}
}

// Keep returns a text of [Cursor.Scalar] as a string. Strings of up to 128 bytes share chunks of
// 512 bytes with other strings of the document.
func (c *Cursor) Keep(text []byte) string { return c.texts.of(text) }

// Bool reads true or false, or one of them in a string.
func (c *Cursor) Bool(to *bool) {
	switch c.peek() {
	case 't':
		*to = c.literal("true")
		return
	case 'f':
		c.literal("false")
		*to = false
		return
	}
	text, kind := c.Scalar()
	switch {
	case kind == KindNull:
	case kind == KindString && (string(text) == "true" || string(text) == "false"):
		*to = string(text) == "true"
	default:
		c.Wrong("true or false")
	}
}

// Float reads a number, or a number in a string.
func (c *Cursor) Float(to *float64) {
	text, kind := c.Scalar()
	if kind == KindNull {
		return
	}
	n, ok := parseNumber(text, kind)
	if !ok {
		c.Wrong("a number")
		return
	}
	*to = n
}

// Int reads a whole number in any notation: 100, 1e2, 100.0, "100".
func (c *Cursor) Int(to *int) {
	text, kind := c.Scalar()
	if kind == KindNull {
		return
	}
	n, ok := parseInt(text, kind)
	if !ok || int64(int(n)) != n {
		c.Wrong("a whole number")
		return
	}
	*to = int(n)
}
