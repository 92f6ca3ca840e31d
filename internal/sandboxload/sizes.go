package main

import (
	"fmt"
	"runtime"
	"time"
)

// sizes are the sizes that can grow.
type sizes struct {
	heap        float64 // bytes in use after a collection
	goroutines  int
	connections int64
}

// String returns the sizes as text.
func (s sizes) String() string {
	return fmt.Sprintf("heap %.1f MiB, %d goroutines, %d connections", s.heap/(1<<20), s.goroutines, s.connections)
}

// patience is how long the goroutines of a closed connection may take to end.
const patience = 10 * time.Second

// take closes the connections of the clients and measures the sizes that remain.
func (l *load) take() sizes {
	l.client.CloseIdleConnections()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if l.connections.Load() == 0 && runtime.NumGoroutine() <= l.goroutines {
			break
		}
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // The contents of pools survive the first collection.
	runtime.ReadMemStats(&stats)
	return sizes{float64(stats.HeapAlloc), runtime.NumGoroutine(), l.connections.Load()}
}

// slack is the permitted growth of the heap, for buffers of the runtime and of connections.
const slack = 4 << 20

// growth returns an error if there are more goroutines or connections than before the load, or if
// the heap is larger than after an earlier round.
func (s sizes) growth(before, earlier sizes) error {
	switch {
	case s.connections > before.connections:
		return fmt.Errorf("%d connections are left open", s.connections-before.connections)
	case s.goroutines > before.goroutines:
		return fmt.Errorf("%d goroutines are left", s.goroutines-before.goroutines)
	case s.heap > earlier.heap+slack:
		return fmt.Errorf("the second round of requests has made the heap grow by %.1f MiB", (s.heap-earlier.heap)/(1<<20))
	}
	return nil
}
