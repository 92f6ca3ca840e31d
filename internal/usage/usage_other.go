//go:build !linux

// Package usage measures the resources that a process has used.
package usage

import "errors"

// CPU returns 0: the processor time is known only on Linux.
func CPU() float64 { return 0 }

// Memory returns an error: the memory is known only on Linux.
func Memory(string) (float64, error) {
	return 0, errors.New("the memory of a process is measured only on Linux")
}
