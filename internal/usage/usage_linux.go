// Package usage reads what a process has used of its machine.
package usage

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// CPU returns the processor time of this process in seconds, user and system.
func CPU() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // It fails only for a bad argument.
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}

// Memory returns a size of this process from /proc/self/status, such as VmHWM, in MiB.
func Memory(name string) (float64, error) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no " + name + " in /proc/self/status")
}
