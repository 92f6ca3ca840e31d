package moneykittest_test

import (
	"runtime"
	"testing"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// BenchmarkNewServer makes a server, as most tests of an application do.
func BenchmarkNewServer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		moneykittest.New().Close()
	}
}

// BenchmarkLinkWithTransactions makes links with made-up transactions, and prints the memory that
// each takes.
func BenchmarkLinkWithTransactions(b *testing.B) {
	mk := moneykittest.NewServer(b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, rows := 0, 0
	for b.Loop() {
		link := mk.AddLink(moneykittest.LinkSpec{})
		rows += len(mk.Transactions(link.ID))
		n++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n)/1024, "KiB/link")
	b.ReportMetric(float64(rows)/float64(n), "transactions/link")
	runtime.KeepAlive(mk)
}
