//go:build !linux

// Package usage reads what a process has used of its machine.
package usage

import "errors"

// CPU returns the processor time of this process in seconds, 0 where that is not known.
func CPU() float64 { return 0 }

// Memory fails: sizes are known on Linux alone.
func Memory(string) (float64, error) {
	return 0, errors.New("the memory of a process is measured on Linux alone")
}
