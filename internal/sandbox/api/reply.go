package api

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// reply is a response before it is sent.
type reply struct {
	status int
	header http.Header // beyond Content-Type
	media  string      // Content-Type; none with an empty body
	body   []byte
	value  any    // body is its JSON; nil for none
	report string // a mistake in the test, to be told to it
}

// answer returns a response with v as JSON, or without a body for nil.
func answer(status int, v any) reply {
	if v == nil {
		return reply{status: status}
	}
	body, err := json.Marshal(v)
	if err != nil { // a link or account that the test made up cannot be written, such as a bad time
		r := refuse("", "moneykittest cannot write the answer")
		r.report = "cannot write an answer: " + err.Error()
		return r
	}
	return reply{status: status, media: "application/json", body: body, value: v}
}

// send writes the response; with truncate only half of its body, after which net/http ends the
// connection, because more was announced.
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
	_, _ = w.Write(body) // the client may be gone
}
