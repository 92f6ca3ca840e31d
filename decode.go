package moneykit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/moneykit/moneykit-go/internal/transport"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// decodeResponse decodes a successful response into out. Its errors hold nothing of the body, which
// is the user's data, but the path of a member and the id of its row.
func decodeResponse(resp *http.Response, body []byte, out any) error {
	body = trimMark(body)
	empty := len(bytes.TrimSpace(body)) == 0
	switch {
	case empty && out == nil:
		return nil
	case empty:
		return errors.New("the response has no body")
	case !isJSON(resp): // Also where nothing is wanted of it: it is not MoneyKit's success.
		return errors.New("the response is not JSON by its content type")
	case out == nil:
		return nil
	}
	if own, ok := out.(custom); ok {
		if err := json.Unmarshal(body, own.out); err != nil {
			return fmt.Errorf("the response does not fit %T: %w", own.out, transport.Hide(err))
		}
		return nil
	}
	if err := wirejson.Unmarshal(body, out); err != nil {
		return fmt.Errorf("decoding the response: %w", err)
	}
	return nil
}

// trimMark returns a body without the byte order mark that some proxies put before it.
func trimMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// isJSON reports whether the response says that it is JSON, or says nothing.
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
