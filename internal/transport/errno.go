//go:build !plan9

package transport

import (
	"errors"
	"syscall"
)

// systemText returns the text for an error of the operating system, the same on all systems. It
// returns "" for other errors.
func systemText(err error) string {
	for _, known := range []struct {
		err  syscall.Errno
		text string
	}{
		{syscall.ECONNREFUSED, "connection refused"},
		{syscall.ECONNRESET, "connection reset by peer"},
		{syscall.EPIPE, "broken pipe"},
		{syscall.EHOSTUNREACH, "no route to host"},
		{syscall.ENETUNREACH, "network is unreachable"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return ""
}
