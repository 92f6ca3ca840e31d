// Package usage measures the resources that a process has used.
package usage

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// CPU returns the user and system time of this process in seconds, or 0 if it is not known.
func CPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}

// Memory returns a field of /proc/self/status in MiB, such as VmHWM.
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
