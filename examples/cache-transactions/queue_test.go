package main

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.add("a")
		q.add("a")
		q.add("b")
		first, _ := q.next(t.Context())
		second, _ := q.next(t.Context())
		assert.Equal(t, []string{"a", "b"}, []string{first, second})

		q.add("a") // While it is synced.
		got := make(chan string)
		go func() {
			id, _ := q.next(t.Context())
			got <- id
		}()
		synctest.Wait()
		select {
		case id := <-got:
			t.Fatal(id, "is synced by two workers")
		default:
		}
		q.done("a")
		assert.Equal(t, "a", <-got, "what was added meanwhile comes again")
		q.done("a")
		q.done("b")

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() {
			_, ok := q.next(ctx)
			ended <- ok
		}()
		synctest.Wait()
		cancel()
		assert.False(t, <-ended)
		q.add("c")
		_, ok := q.next(ctx)
		assert.False(t, ok, "nothing begins after the end")
	})
}
