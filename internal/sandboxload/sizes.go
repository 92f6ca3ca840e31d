package main

import (
	"fmt"
	"runtime"
	"time"
)

// sizes is what can grow.
type sizes struct {
	heap        float64 // bytes that are in use after a collection
	goroutines  int
	connections int64
}

// String tells the sizes to people.
func (s sizes) String() string {
	return fmt.Sprintf("heap %.1f MiB, %d goroutines, %d connections", s.heap/(1<<20), s.goroutines, s.connections)
}

// patience is how long what belongs to a connection may take to end after it.
const patience = 10 * time.Second

// take lets the clients go and measures what is left.
func (l *load) take() sizes {
	l.client.CloseIdleConnections()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if l.connections.Load() == 0 && runtime.NumGoroutine() <= l.goroutines {
			break
		}
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools keep survives the first
	runtime.ReadMemStats(&stats)
	return sizes{float64(stats.HeapAlloc), runtime.NumGoroutine(), l.connections.Load()}
}

// slack is how much the heap may grow by itself: buffers of the runtime and of connections.
const slack = 4 << 20

// growth returns an error if there is more of something than before the load, or of the heap than
// after an earlier round.
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
