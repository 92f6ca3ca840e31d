package moneykittest

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox"
)

// PlayPath is the path at which [Server.Handler] plays a user in Connect, for tests of apps and of
// front ends in other languages. A POST of
//
//	{"link_session_token": "…", "source": "ios", "play": {"version": "1.10.7"}}
//
// does the same as [Server.Connect]. play is the JSON of a [Play]; play and source may be left out.
// The response contains the payloads that the front end would post: the result, and the events in
// order:
//
//	{"result": {…}, "events": [{…}, …]}
//
// The response is 422 with an error_message if the request cannot be read, or if the source or
// version does not exist.
const PlayPath = "/moneykittest/play"

// maxPlay is the maximum size of a request body, in bytes.
const maxPlay = 1 << 20

func (c *core) servePlay(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Token  string                 `json:"link_session_token"`
		Source moneykit.ConnectSource `json:"source"`
		Play   Play                   `json:"play"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPlay))
	if err == nil {
		err = decode(body, &asked)
	}
	if err != nil {
		refusePlay(w, "the body must be the JSON that moneykittest.PlayPath describes: "+err.Error())
		return
	}
	if !sandbox.Plays(asked.Source, asked.Play.Version) {
		refusePlay(w, "there is no such source and version of Connect")
		return
	}
	s := &Server{func() *core { return c }}
	var answer struct {
		Result json.RawMessage   `json:"result"`
		Events []json.RawMessage `json:"events"`
	}
	answer.Result = s.Connect(asked.Token, asked.Source, asked.Play)
	answer.Events = []json.RawMessage{}
	if s.known(asked.Token) {
		for _, event := range s.ConnectEvents(asked.Token, asked.Source) {
			answer.Events = append(answer.Events, event)
		}
	}
	writePlay(w, http.StatusOK, answer)
}

func refusePlay(w http.ResponseWriter, message string) {
	writePlay(w, http.StatusUnprocessableEntity, map[string]string{"error_message": message})
}

func writePlay(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		return // The client has closed the connection.
	}
}
