package api

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// reply is a response before it is sent.
type reply struct {
	status int
	header http.Header // in addition to Content-Type
	media  string      // Content-Type; not sent with an empty body
	body   []byte
	value  any    // the value that body encodes; nil if there is none
	report string // a mistake in the test, to be reported with Errorf
}

// answer returns a response with v as JSON, or without a body for nil.
func answer(status int, v any) reply {
	if v == nil {
		return reply{status: status}
	}
	body, err := json.Marshal(v)
	if err != nil { // a made-up link or account of the test cannot be encoded, such as a bad time
		r := refuse("", "moneykittest cannot write the response")
		r.report = "cannot write a response: " + err.Error()
		return r
	}
	return reply{status: status, media: "application/json", body: body, value: v}
}

// send writes the response. With truncate, it writes only half of the body. net/http then closes
// the connection, because the body is shorter than its Content-Length.
func (rep *reply) send(w http.ResponseWriter, truncate bool) {
	h := w.Header()
	for key, values := range rep.header {
		h[http.CanonicalHeaderKey(key)] = values
	}
	if len(rep.body) > 0 {
		if rep.media != "" {
			h.Set("Content-Type", rep.media)
		}
		h.Set("Content-Length", strconv.Itoa(len(rep.body)))
	}
	w.WriteHeader(rep.status)
	body := rep.body
	if truncate {
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body) // the client may have disconnected
}
