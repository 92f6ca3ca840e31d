package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// TestBrokenBody sends a body that ends too early, for example because of a bad chunk.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	r := request(t, mk, http.MethodPost, "/link-session", "{")
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("bad chunk")))
	w := httptest.NewRecorder()
	mk.handler.ServeHTTP(w, r)
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Contains(t, w.Body.String(), "the body cannot be read")
}

// TestBadQuery sends queries that url.ParseQuery can decode only in part.
func TestBadQuery(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{})
	for _, query := range []string{"size=%zz", "size=1;page=2", "account_ids=a;b"} {
		assert.Equal(t, http.StatusUnprocessableEntity, ask(t, mk, http.MethodGet, "/links/"+link.ID+"/accounts?"+query, "").status, query)
	}
}

// TestExpiredLimitsAreDeleted sends requests for many links over many minutes.
func TestExpiredLimitsAreDeleted(t *testing.T) {
	t.Parallel()
	mk := newFake(t, stopped(), withRateLimits())
	for i := range 3000 {
		if i%500 == 0 {
			mk.advance(time.Minute)
		}
		ask(t, mk, http.MethodGet, fmt.Sprintf("/links/mk_%d", i), "")
	}
	assert.Less(t, mk.Windows(), 1100)
}
