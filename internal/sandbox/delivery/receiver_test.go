package delivery_test

import (
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
)

func TestReceiver(t *testing.T) {
	t.Parallel()
	type outcome struct {
		status int
		err    string
		report int
	}
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   outcome
	}{
		"nothing": {func(http.ResponseWriter, *http.Request) {}, outcome{status: 200}},
		"text":    {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<17)); w.Write([]byte("x")) }, outcome{status: 200}},
		"twice": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(202)
			w.WriteHeader(500)
		}, outcome{status: 202}},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, outcome{status: 302}},
		"panic":    {func(http.ResponseWriter, *http.Request) { panic("oh") }, outcome{err: "the receiver panicked: oh", report: 1}},
		"no status": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(99) },
			outcome{err: "the receiver panicked: invalid WriteHeader code 99", report: 1},
		},
		"abort":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, outcome{err: "the receiver aborted the connection"}},
		"goexit": {func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, outcome{err: "the receiver ended without a response"}},
		"request": {func(w http.ResponseWriter, r *http.Request) {
			if r.TLS == nil || r.URL.Host != "" || r.URL.Path != "/hooks" || r.Host != "app.example" || r.FormValue("tenant") != "1" {
				w.WriteHeader(500)
			}
		}, outcome{status: 200}},
	} {
		mk := newFake(t, receiving(http.HandlerFunc(test.answer)))
		breakAll(mk, 1)
		attempt := mk.deliver()[0].Attempts[0]
		got := outcome{status: attempt.Status, report: len(mk.errors)}
		if attempt.Err != nil {
			got.err = attempt.Err.Error()
		}
		assert.Equal(t, test.want, got, name)
		if got.status != 200 && got.status != 202 && got.report == 0 {
			assert.Len(t, mk.logs, 1, name)
		}
	}
	// The transport also works without an http.Client.
	var host string
	mk := newFake(t, receiving(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host = r.Host })))
	link := mk.addLink("http://user:word@app.example:8080/a%2Fb")
	mk.breakLink(link, moneykit.LinkErrorAuthExpired)
	mk.deliver()
	assert.Equal(t, "app.example:8080", host)
}
