package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"runtime"
	"strconv"
	"time"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// fake measures servers of moneykittest, and the memory of their links.
func fake(_ context.Context, c config) ([]row, error) {
	plain := func() error {
		httptest.NewServer(nil).Close()
		return nil
	}
	silent, err := compare(c.time, func() error {
		moneykittest.New().Close()
		return nil
	}, plain)
	if err != nil {
		return nil, err
	}
	listening, err := compare(c.time, func() error {
		s := moneykittest.New()
		defer s.Close()
		if s.URL() == "" {
			return errors.New("there is no loopback interface")
		}
		return nil
	}, plain)
	if err != nil {
		return nil, err
	}
	return []row{
		silent.row("moneykittest.New / httptest.NewServer", 1.00, 1.50),
		listening.row("moneykittest.New and URL / httptest.NewServer", 1.50, 2.50),
		{name: "moneykittest.New and URL", value: milliseconds(listening.sdk), unit: " ms", goal: 0.15, bound: 1.5},
		{name: "a link with its transactions", value: linkSize(), unit: " KiB", goal: 64, bound: 64},
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// linkSize returns the memory of a link in KiB after its transactions were read.
func linkSize() float64 {
	const links = 500
	mk := moneykittest.New()
	defer mk.Close()
	used := func() float64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC() // The first run does not free the contents of pools.
		runtime.ReadMemStats(&stats)
		return float64(stats.HeapAlloc)
	}
	before := used()
	for range links {
		mk.Transactions(mk.AddLink(moneykittest.LinkSpec{}).ID)
	}
	size := (used() - before) / links / 1024
	runtime.KeepAlive(mk)
	return size
}

// load measures the fake MoneyKit while users link a bank and read its data. The users run on the
// same cores.
func load(ctx context.Context, c config) ([]row, error) {
	data, err := output(ctx, "./internal/sandboxload", "-users", strconv.Itoa(c.users), "-reads", "3000", "-json")
	if err != nil {
		return nil, err
	}
	var got struct{ Rate, PerCPU, Bytes float64 }
	if err := json.Unmarshal(data, &got); err != nil {
		return nil, err
	}
	return []row{
		{name: "requests to the fake MoneyKit, by the clock", value: got.Rate, unit: "/s"},
		{name: "the same, by the time of two processors", value: 2 * got.PerCPU, unit: "/s", goal: 2000, bound: 1000, least: true},
		{name: "a user of the fake MoneyKit", value: got.Bytes / 1024, unit: " KiB", goal: 64, bound: 64},
	}, nil
}
