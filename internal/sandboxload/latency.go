package main

import (
	"math"
	"sync/atomic"
	"time"
)

// latencies counts the durations of requests, in classes that are 5% wide. Its size does not depend
// on the number of requests. The zero value is empty.
type latencies struct{ classes [400]atomic.Int64 }

const width = 1.05

// add counts a request.
func (s *latencies) add(took time.Duration) {
	class := int(math.Log(max(float64(took.Microseconds()), 1)) / math.Log(width))
	s.classes[min(class, len(s.classes)-1)].Add(1)
}

func (s *latencies) count() (n int64) {
	for i := range s.classes {
		n += s.classes[i].Load()
	}
	return n
}

// quantile returns a duration that a share of the requests, from 0 to 1, did not exceed.
func (s *latencies) quantile(share float64) time.Duration {
	rest := int64(math.Ceil(share * float64(s.count())))
	for i := range s.classes {
		n := s.classes[i].Load()
		if rest -= n; n > 0 && rest <= 0 {
			return time.Duration(math.Pow(width, float64(i+1))) * time.Microsecond
		}
	}
	return 0
}
