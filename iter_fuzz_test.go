package moneykit_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// FuzzLists responds to every page of every list with the same bytes. The loop must end, with rows
// of these bytes or an *Error, and the sync engine must store nothing that it cannot decode.
func FuzzLists(f *testing.F) {
	for _, list := range lists {
		for _, query := range []string{"", "?cursor=2", "?page=1", "?page=3"} {
			r, err := http.NewRequest(http.MethodGet, testBase+list.path+query, nil) //nolint:noctx // The request is not sent.
			if err != nil {
				f.Fatal(err)
			}
			f.Add([]byte(list.serve(r, "")))
		}
	}
	for _, body := range []string{
		`{"links":null,"next_cursor":null}`, `{"institutions":[{}],"cursors":null}`, `{"transactions":null,"total":-1}`,
		`{"transactions":[{"amount":"1e5"}],"total":1e3}`, `{"has_more":true,"cursor":{"next":""}}`, `[]`, `{`, ``,
		`{"transactions":{"created":[{"transaction_id":"a","pending":true}],"removed":["a"]},"cursor":{"next":"c"},"has_more":true}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		mock := httpmock.NewMockTransport()
		requests := 0
		mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
			if requests++; requests > 20 {
				t.Fatal("the loop does not end")
			}
			return answers(200, string(body))(r)
		})
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(testBase),
			moneykit.WithHTTPClient(&http.Client{Transport: mock}))
		if err != nil {
			t.Fatal(err)
		}
		check := func(err error) {
			requests = 0
			var e *moneykit.Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
		}
		for _, list := range lists {
			_, err := collect(list.all(t.Context(), client))
			check(err)
		}
		store := &moneykittest.MemoryStore{}
		_, err = client.SyncTransactions(t.Context(), "mk_1", store)
		check(err)
	})
}
