// Package journal keeps records in one file. Appended records survive if the program is killed at
// any moment.
//
// The file is a header of fixed length, followed by the records, each with its length and a
// checksum. The header contains the length of the valid part of the file. An append writes the
// record first and the header afterwards. The remains of an interrupted append are therefore beyond
// the valid part, and a file that is shorter than its valid part is damaged. Replacing all records
// writes a new file and renames it.
//
// A power cut may lose the appends of the last seconds, which the system has not written to the
// disk yet, and may leave a damaged file.
package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

const (
	name    = "moneykit-sandbox state"
	version = 1
	// headerSize is the length of a header: the name, the version and the length of the valid part.
	headerSize = len(name) + 1 + 5 + 1 + 20 + 1
	// goodAt is the offset of the length of the valid part in the header.
	goodAt = len(name) + 1 + 5 + 1
	// frameSize is the length of the frame before each record: its length and its checksum.
	frameSize = 8
	maxRecord = 1 << 30
)

// Errors of [Open].
var (
	ErrLocked  = errors.New("another program uses it")
	ErrDamaged = errors.New("it is damaged")
	ErrNewer   = errors.New("it was written by a newer version of this program")
	ErrOther   = errors.New("it is not a state file")
)

// Journal is an open file. It is not safe for concurrent use.
type Journal struct {
	path string
	file *os.File
	good int64 // length of the valid part of the file
	err  error // error of an append, which fails all later ones
}

// Open opens a file and returns its records. It creates the file if it does not exist. If Open
// fails, an existing file is not changed.
func Open(path string) (*Journal, [][]byte, error) {
	j := &Journal{path: path}
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names it
		if err != nil {
			return nil, nil, err
		}
		j.file = file
		if err := lock(file); err != nil {
			return nil, nil, refuse(path, errors.Join(err, file.Close()))
		}
		// Resolve symbolic links, so that Replace does not replace a link.
		j.path, err = filepath.EvalSymlinks(path)
		if err == nil && isAt(file, j.path) {
			break
		}
		_ = file.Close() // another program has replaced the file in the meantime
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, refuse(path, err)
		}
	}
	records, err := j.read()
	if err != nil {
		return nil, nil, refuse(path, errors.Join(err, j.file.Close()))
	}
	return j, records, nil
}

func refuse(path string, err error) error { return fmt.Errorf("cannot use %s: %w", path, err) }

// isAt reports whether path still names the open file.
func isAt(file *os.File, path string) bool {
	own, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(own, there)
}

// read reads the records. It writes the header of an empty file.
func (j *Journal) read() ([][]byte, error) {
	if info, err := j.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(ErrOther, err)
	}
	data, err := io.ReadAll(j.file)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, j.begin()
	}
	if j.good, err = readHeader(data); err != nil {
		return nil, err
	}
	var records [][]byte
	for rest := data[headerSize:j.good]; len(rest) > 0; {
		record, more, err := cut(rest)
		if err != nil {
			return nil, err
		}
		records, rest = append(records, record), more
	}
	return records, nil
}

func readHeader(data []byte) (good int64, err error) {
	if !bytes.HasPrefix(data, []byte(name+" ")) {
		return 0, ErrOther
	}
	var v int
	if _, err := fmt.Sscanf(string(data[len(name):min(len(data), headerSize)]), " %05d %020d\n", &v, &good); err != nil && v == 0 {
		return 0, fmt.Errorf("%w: the header is truncated", ErrDamaged)
	}
	switch {
	case v > version:
		return 0, fmt.Errorf("%w: it has version %d, and this program knows %d", ErrNewer, v, version)
	case v < 1 || len(data) < headerSize || data[headerSize-1] != '\n' || good < int64(headerSize):
		return 0, fmt.Errorf("%w: the header is invalid", ErrDamaged)
	case good > int64(len(data)):
		return 0, fmt.Errorf("%w: it should have %d bytes, but has %d", ErrDamaged, good, len(data))
	}
	return good, nil
}

// cut splits the first record off data.
func cut(data []byte) (record, rest []byte, err error) {
	if len(data) < frameSize {
		return nil, nil, fmt.Errorf("%w: a record is truncated", ErrDamaged)
	}
	size := int64(binary.BigEndian.Uint32(data))
	if size > int64(len(data)-frameSize) {
		return nil, nil, fmt.Errorf("%w: a record is truncated", ErrDamaged)
	}
	record, rest = data[frameSize:frameSize+size], data[frameSize+size:]
	if crc32.ChecksumIEEE(record) != binary.BigEndian.Uint32(data[4:]) {
		return nil, nil, fmt.Errorf("%w: a record has a wrong checksum", ErrDamaged)
	}
	return record, rest, nil
}

func frame(record []byte) []byte {
	out := make([]byte, frameSize, frameSize+len(record))
	binary.BigEndian.PutUint32(out, uint32(len(record))) //nolint:gosec // checked by Append
	binary.BigEndian.PutUint32(out[4:], crc32.ChecksumIEEE(record))
	return append(out, record...)
}

func header(good int64) string { return fmt.Sprintf("%s %05d %020d\n", name, version, good) }

// begin writes the header of a new file.
func (j *Journal) begin() error {
	j.good = int64(headerSize)
	_, err := j.file.WriteAt([]byte(header(j.good)), 0)
	return err
}

// Append adds a record. If writing fails, the record is not added, and all later calls return the
// same error.
func (j *Journal) Append(record []byte) error {
	if j.err != nil {
		return j.err
	}
	if len(record) > maxRecord {
		return errors.New("the record is too large")
	}
	framed := frame(record)
	_, err := j.file.WriteAt(framed, j.good)
	if err == nil {
		_, err = j.file.WriteAt([]byte(header(j.good + int64(len(framed))))[goodAt:], int64(goodAt))
	}
	if err != nil {
		j.err = err
		return err
	}
	j.good += int64(len(framed))
	return nil
}

// Size returns the length of the file.
func (j *Journal) Size() int64 { return j.good }

// Replace replaces all records atomically.
func (j *Journal) Replace(records [][]byte) (err error) {
	if j.err != nil {
		return j.err
	}
	beside := j.path + ".new" // written only by the program that has locked the file
	if err := os.Remove(beside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // a killed program left it, and it cannot be removed
	}
	file, err := os.OpenFile(beside, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // beside the user's
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}()
	if err := lock(file); err != nil {
		return err
	}
	next := &Journal{path: j.path, file: file}
	if err := next.begin(); err != nil {
		return err
	}
	for _, record := range records {
		if err := next.Append(record); err != nil {
			return err
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), j.path); err != nil {
		return err
	}
	_ = j.file.Close() // the old file, which has no name any more
	j.file, j.good = next.file, next.good
	return nil
}

// Close syncs the file to the disk and closes it.
func (j *Journal) Close() error {
	err := j.file.Sync()
	unlock(j.file)
	return errors.Join(err, j.file.Close())
}
