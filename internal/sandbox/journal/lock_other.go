//go:build !unix || solaris || aix

package journal

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

func unlock(*os.File) {}

// lock returns an error on systems without locks that end with the program.
func lock(*os.File) error {
	return fmt.Errorf("%w: files cannot be locked on %s", errors.ErrUnsupported, runtime.GOOS)
}
