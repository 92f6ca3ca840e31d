package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/moneykit/moneykit-go/internal/usage"
)

// side does the compared work once, in one of two ways.
type side func() error

// comparison is the cost of the SDK compared with code written by hand.
type comparison struct {
	sdk, hand        time.Duration // medians, for doing the work once
	ratio, low, high float64       // median and quartiles of the rounds' ratios
	sdkAllocs        float64       // for doing the work once
	handAllocs       float64
}

// row returns a row about time.
func (c comparison) row(name string, goal, bound float64) row {
	return row{
		name: name, sdk: duration(c.sdk), hand: duration(c.hand),
		value: c.ratio, low: c.low, high: c.high, goal: goal, bound: bound,
	}
}

// allocs returns a row about the ratio of allocations.
func (c comparison) allocs(name string, goal, bound float64) row {
	return row{
		name: name + ", allocations", sdk: figure(c.sdkAllocs), hand: figure(c.handAllocs),
		value: c.sdkAllocs / c.handAllocs, goal: goal, bound: bound,
	}
}

// compare lets both sides take turns for at least d. In each round, each side runs for some
// milliseconds. Times are processor times of this process, so that other programs on the machine
// disturb little. On systems that do not report them, times are clock times.
func compare(d time.Duration, sdk, hand side) (comparison, error) {
	const least = 9
	batch, n := min(2*time.Millisecond, d), 1
	for {
		took, err := repeat(n, hand)
		if err != nil {
			return comparison{}, fmt.Errorf("by hand: %w", err)
		}
		if took >= batch {
			break
		}
		n *= 2
	}
	if _, err := repeat(n, sdk); err != nil {
		return comparison{}, err
	}
	var sdks, hands, ratios []float64
	for start, turn := time.Now(), 0; turn < least || time.Since(start) < d; turn++ {
		sides, times := [2]side{sdk, hand}, [2]time.Duration{}
		for i := range sides {
			at := (turn + i) % 2 // The second side finds warm caches, so they take turns.
			took, err := repeat(n, sides[at])
			if err != nil {
				return comparison{}, err
			}
			times[at] = took / time.Duration(n)
		}
		sdks, hands = append(sdks, float64(times[0])), append(hands, float64(times[1]))
		ratios = append(ratios, float64(times[0])/float64(times[1]))
	}
	c := comparison{sdk: time.Duration(quantile(sdks, 0.5)), hand: time.Duration(quantile(hands, 0.5))}
	c.ratio, c.low, c.high = quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)
	var err error
	if c.sdkAllocs, _, err = allocations(n, sdk); err != nil {
		return c, err
	}
	c.handAllocs, _, err = allocations(n, hand)
	return c, err
}

// repeat returns the time of n calls of f.
func repeat(n int, f side) (time.Duration, error) {
	start, cpu := time.Now(), usage.CPU()
	for range n {
		if err := f(); err != nil {
			return 0, err
		}
	}
	if cpu == 0 {
		return time.Since(start), nil
	}
	return time.Duration((usage.CPU() - cpu) * float64(time.Second)), nil
}

// allocations returns the number of allocations of one call of f, and their total bytes.
func allocations(n int, f side) (count, bytes float64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = repeat(n, f)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n), err
}

// quantile sorts values and returns the quantile q, from 0 to 1.
func quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}

// duration formats a time with three digits.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return figure(float64(d)/float64(time.Microsecond)) + " µs"
	case d < time.Second:
		return figure(float64(d)/float64(time.Millisecond)) + " ms"
	}
	return figure(d.Seconds()) + " s"
}
