//go:build !unix || solaris || aix

package journal

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

func unlock(*os.File) {}

// lock refuses systems whose locks do not end with the program.
func lock(*os.File) error {
	return fmt.Errorf("%w: files cannot be locked on %s", errors.ErrUnsupported, runtime.GOOS)
}
