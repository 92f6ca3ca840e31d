package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// serve answers requests for changes with generated pages, and prints its address.
func serve(ctx context.Context, rows int, out io.Writer) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "http://"+l.Addr().String())
	server := &http.Server{Handler: handler(rows), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	return server.Serve(l)
}

// handler serves a link with this number of transactions.
func handler(rows int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /links/mk_1/transactions/sync", func(w http.ResponseWriter, r *http.Request) {
		first, _ := strconv.Atoi(r.URL.Query().Get("cursor")) // empty is the beginning
		size, err := strconv.Atoi(r.URL.Query().Get("size"))
		if err != nil || size < 1 {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		body := changes(first, min(size, rows-first), rows)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // the client may be gone
	})
	return mux
}

// changes returns a page of n created transactions.
func changes(first, n, rows int) []byte {
	body := append(make([]byte, 0, n*600+2000), `{"transactions":{"updated":[],"removed":[],"created":[`...)
	for i := first; i < first+n; i++ {
		if i > first {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"transaction_id":"txn_%022d","account_id":"acc_0000000000000000000001","amount":"%d.%02d",`+
			`"type":"debit","currency":"USD","date":"20%02d-%02d-%02d","datetime":null,"description":"Regina's Mulberry",`+
			`"raw_description":"REGINA'S MULBERRY #%d T48999-84","pending":false,"category":"food_and_drinks.restaurants",`+
			`"enrichment":{"category":{"value":"food_and_drink","confidence":99},"subcategory":{"value":"coffee","confidence":93},`+
			`"merchant":{"id":"a0822a4f-a59b-4fc9-a768-d880da5bd090","name":"Regina's","logo":null,"confidence":90},`+
			`"recurrence":null},"original_id":null}`,
			i, i%1000, i%100, 10+i%15, 1+i%12, 1+i%28, i)
	}
	next := first + n
	return fmt.Appendf(body, `]},"accounts":[{"account_id":"acc_0000000000000000000001","account_type":"depository.checking",`+
		`"name":"Checking","balances":{"currency":"USD","available":340.12,"current":445.89}}],"cursor":{"next":"%d"},"has_more":%v,`+
		`"link":{"link_id":"mk_1","institution_id":"chase","institution_name":"Chase","institution_avatar":"","state":"connected",`+
		`"provider":"mx","products":{"transactions":{"refreshed_at":"2024-01-09T10:32:38.401223+00:00","has_history":true}},`+
		`"available_products":[]}}`, next, next < rows)
}
