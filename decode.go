package moneykit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/transport"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// decodeResponse decodes a successful response into out. The body contains personal data, so errors
// quote only the path of a member and the id of its row.
func decodeResponse(resp *http.Response, body []byte, out any) error {
	body = trimMark(body)
	content := bytes.TrimSpace(body)
	switch {
	case len(content) == 0 && out == nil:
		return nil
	case len(content) == 0:
		return errors.New("the response has no body")
	case !isJSON(resp): // Even if out is nil: a response that is not JSON is not MoneyKit's.
		return errors.New("the response's content type is not JSON")
	case out == nil:
		return nil
	}
	switch out := out.(type) {
	case object:
		if bytes.Equal(content, jsonNull) { // It would be the zero value, with ids that are empty.
			return errors.New("the response is null")
		}
		if err := decode(body, out); err != nil {
			return fmt.Errorf("decoding the response: %w", err)
		}
	case custom:
		if err := json.Unmarshal(body, out.out); err != nil {
			return fmt.Errorf("the response does not fit %T: %w", out.out, transport.Hide(err))
		}
	default: // the key set, whose keys stay raw JSON
		if err := json.Unmarshal(body, out); err != nil {
			return fmt.Errorf("decoding the response: %w", transport.Hide(err))
		}
	}
	return nil
}

// object is a type that decodes JSON objects. decode.gen.go has the methods.
type object interface {
	// member decodes the value of a member. It returns false, and reads nothing, if the type has no
	// member of that name.
	member(c *wirejson.Cursor, name []byte) bool
}

// row is an object with an id, which errors quote.
type row interface {
	object
	idName() string // the name of the member with the id
}

// decode decodes data into v as encoding/json does, but accepts more forms of a scalar. It returns
// the error of [wirejson.Cursor.End].
func decode(data []byte, v object) error {
	c := wirejson.NewCursor(data)
	decodeObject(c, v)
	return c.End()
}

// decodeObject decodes an object. As in encoding/json, names match in any case, the last of several
// members with one name counts, and null leaves v unchanged.
func decodeObject(c *wirejson.Cursor, v object) {
	if c.Null() {
		return
	}
	start := c.Offset()
	for open := c.Open('{', "an object"); open && c.More('}'); {
		name := c.Name()
		if !v.member(c, name) {
			folded, other := wirejson.Fold(name)
			if name = folded; !other || !v.member(c, name) {
				c.Skip()
			}
		}
		if c.Failed() {
			c.Under(string(name))
			if r, ok := v.(row); ok {
				c.Row(start, r.idName())
			}
		}
	}
}

// objectOf is a pointer to a T that decodes objects.
type objectOf[T any] interface {
	*T
	object
}

// decodePointer decodes an object that may be absent.
func decodePointer[T any, P objectOf[T]](c *wirejson.Cursor, v **T) {
	if c.Null() {
		*v = nil
		return
	}
	if *v == nil {
		*v = new(T)
	}
	decodeObject(c, P(*v))
}

// decodeList decodes a list. Like encoding/json, it decodes into the existing items.
func decodeList[T any](c *wirejson.Cursor, v *[]T, item func(*wirejson.Cursor, *T)) {
	if c.Null() {
		*v = nil
		return
	}
	list, start := (*v)[:0], c.Offset()
	for open := c.Open('[', "a list"); open && c.More(']'); {
		n := len(list)
		if n == cap(list) {
			list = slices.Grow(list, more(n, c.Offset()-start, c.Rest()))
		}
		list = list[:n+1]
		if item(c, &list[n]); c.Failed() {
			c.Under("[" + strconv.Itoa(n) + "]")
		}
	}
	if len(list) == 0 {
		list = []T{}
	}
	*v = list
}

// more returns how many items to allocate for a list that has n items. It estimates the number from
// the bytes that the items took and the bytes left in the document. A small list may be one of
// many, so it grows as with append.
func more(n, took, left int) int {
	const small, most = 16, 8
	if n < small {
		return 1
	}
	likely := left/(took/n) + 1
	return min(likely+likely/16, most*n)
}

func decodeObjects[T any, P objectOf[T]](c *wirejson.Cursor, v *[]T) {
	decodeList(c, v, func(c *wirejson.Cursor, item *T) { decodeObject(c, P(item)) })
}

func decodeTexts[T ~string](c *wirejson.Cursor, v *[]T) {
	decodeList(c, v, decodeText[T])
}

func decodeText[T ~string](c *wirejson.Cursor, v *T) {
	text := string(*v)
	c.Text(&text)
	*v = T(text)
}

// decodeMap decodes a map of objects.
func decodeMap[T any, P objectOf[T]](c *wirejson.Cursor, v *map[string]T) {
	if c.Null() {
		*v = nil
		return
	}
	if *v == nil {
		*v = map[string]T{}
	}
	for open := c.Open('{', "an object"); open && c.More('}'); {
		key := string(c.Name())
		var item T
		if decodeObject(c, P(&item)); c.Failed() {
			c.Under("[" + plain.Label(key) + "]")
		}
		(*v)[key] = item
	}
}

// scalarOf is a pointer to a T that decodes a string or a number.
type scalarOf[T any] interface {
	*T
	decode(c *wirejson.Cursor)
}

// decodeScalar decodes a scalar that may be absent.
func decodeScalar[T any, P scalarOf[T]](c *wirejson.Cursor, v **T) {
	if c.Null() {
		*v = nil
		return
	}
	if *v == nil {
		*v = new(T)
	}
	P(*v).decode(c)
}

// decodeFloat decodes a number that may be absent.
func decodeFloat(c *wirejson.Cursor, v **float64) {
	if c.Null() {
		*v = nil
		return
	}
	if *v == nil {
		*v = new(float64)
	}
	c.Float(*v)
}

// trimMark removes the byte order mark that some proxies put before a body.
func trimMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// isJSON reports whether the response's content type is JSON or missing.
func isJSON(resp *http.Response) bool {
	switch header := resp.Header.Get("Content-Type"); header {
	case "", "application/json":
		return true
	default:
		mediaType, _, err := mime.ParseMediaType(header)
		known := err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)
		return known && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
	}
}
