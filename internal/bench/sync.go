package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// output runs a program of this module and returns what it prints.
func output(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"run"}, args...)...) //nolint:gosec // of this module
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	return data, nil
}

// syncing compares the sync engine with a handwritten loop, each in its own process.
func syncing(ctx context.Context, c config) ([]row, error) {
	data, err := output(ctx, "./internal/syncbench", "-rows", strconv.Itoa(c.rows), "-rounds", "5", "-json")
	if err != nil {
		return nil, err
	}
	var got struct {
		Engine, Hand struct{ CPU float64 }
		Ratio, MiB   float64
		Ratios       []float64
	}
	if err := json.Unmarshal(data, &got); err != nil {
		return nil, err
	}
	return []row{
		{
			name: fmt.Sprintf("SyncTransactions, %d rows, processor time", c.rows), goal: 0.60, bound: 0.75,
			sdk: figure(got.Engine.CPU) + " s", hand: figure(got.Hand.CPU) + " s",
			value: quantile(got.Ratios, 0.5), low: quantile(got.Ratios, 0.25), high: quantile(got.Ratios, 0.75),
		},
		{name: "SyncTransactions, memory above an idle client", value: got.MiB, unit: " MiB", goal: 7.5, bound: 16},
	}, nil
}
