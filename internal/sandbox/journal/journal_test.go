package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reopen opens a file and returns its records as text.
func reopen(t *testing.T, path string) (*Journal, []string) {
	t.Helper()
	j, records, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close() })
	texts := []string{}
	for _, r := range records {
		texts = append(texts, string(r))
	}
	return j, texts
}

func TestAppend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, records := reopen(t, path)
	assert.Empty(t, records)
	require.NoError(t, j.Append([]byte("one")))
	require.NoError(t, j.Append(nil))
	require.NoError(t, j.Append(bytes.Repeat([]byte("x"), 100_000)))
	_, _, err := Open(path)
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, path)
	require.NoError(t, j.Close())
	j, records = reopen(t, path)
	require.Len(t, records, 3)
	assert.Equal(t, []string{"one", ""}, records[:2])
	require.NoError(t, j.Replace([][]byte{[]byte("all")}))
	require.NoError(t, j.Append([]byte("more")))
	_, _, err = Open(path)
	require.ErrorIs(t, err, ErrLocked, "the new file is locked, too")
	require.NoError(t, j.Close())
	_, records = reopen(t, path)
	assert.Equal(t, []string{"all", "more"}, records)
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, files, 1)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestInterruptedAppend interrupts an append after each byte. The record exists only after the
// header was written.
func TestInterruptedAppend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, _ := reopen(t, path)
	require.NoError(t, j.Append([]byte("answered")))
	require.NoError(t, j.Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	framed := frame([]byte("not answered"))
	for n := range len(framed) + 1 {
		require.NoError(t, os.WriteFile(path, append(bytes.Clone(before), framed[:n]...), 0o600))
		j, records := reopen(t, path)
		assert.Equal(t, []string{"answered"}, records)
		require.NoError(t, j.Append([]byte("next")))
		require.NoError(t, j.Close())
		j, records = reopen(t, path)
		assert.Equal(t, []string{"answered", "next"}, records)
		require.NoError(t, j.Close())
	}
}

// TestDamaged checks that truncated and changed files are refused and not modified.
func TestDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, _ := reopen(t, path)
	require.NoError(t, j.Append([]byte("one")))
	require.NoError(t, j.Append([]byte("two")))
	require.NoError(t, j.Close())
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	refused := func(data []byte, what string) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		_, _, err := Open(path)
		require.Error(t, err, what)
		require.ErrorContains(t, err, path)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, data, after)
	}
	for n := 1; n < len(good); n++ {
		refused(good[:n], fmt.Sprintf("the first %d bytes", n))
	}
	for i := range good {
		changed := bytes.Clone(good)
		changed[i] ^= 0x15
		refused(changed, fmt.Sprintf("byte %d", i))
	}
	for name, tc := range map[string]struct {
		data string
		want error
	}{
		"newer":       {name + " 00002 something else", ErrNewer},
		"other":       {"#!/bin/sh\n", ErrOther},
		"header only": {name + " ", ErrDamaged},
		"zeros":       {string(make([]byte, 100)), ErrOther},
		"truncated":   {string(good[:len(good)-1]), ErrDamaged},
	} {
		require.NoError(t, os.WriteFile(path, []byte(tc.data), 0o600))
		_, _, err := Open(path)
		require.ErrorIs(t, err, tc.want, name)
	}
	_, _, err = Open(filepath.Join(path, "below a file"))
	require.Error(t, err)
}

// TestReplaceSymlinkTarget replaces the target of a symbolic link, and the temporary file that a
// killed program has left.
func TestReplaceSymlinkTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(file, link))
	require.NoError(t, os.WriteFile(file+".new", []byte("left"), 0o600))
	j, _ := reopen(t, link)
	require.NoError(t, j.Replace([][]byte{[]byte("one")}))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSymlink, info.Mode().Type())
	_, _, err = Open(file)
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, j.Close())
	_, records := reopen(t, file)
	assert.Equal(t, []string{"one"}, records)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 2)
	_, _, err = Open(os.DevNull)
	require.ErrorIs(t, err, ErrOther)
}

// TestReplaceFails checks that the records are kept if the new file cannot be written.
func TestReplaceFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, _ := reopen(t, path)
	require.NoError(t, j.Append([]byte("one")))
	require.NoError(t, os.MkdirAll(filepath.Join(path+".new", "not empty"), 0o700))
	require.Error(t, j.Replace([][]byte{[]byte("two")}))
	require.NoError(t, os.RemoveAll(path+".new"))
	require.NoError(t, j.Append([]byte("three")), "the file can still be used")

	// Put a folder at the path of the file.
	require.NoError(t, os.Rename(path, path+".moved"))
	require.NoError(t, os.MkdirAll(filepath.Join(path, "not empty"), 0o700))
	require.Error(t, j.Replace([][]byte{[]byte("two")}))
	_, err := os.Stat(path + ".new")
	require.ErrorIs(t, err, os.ErrNotExist, "the temporary file is removed")
	require.NoError(t, j.Close())
	_, records := reopen(t, path+".moved")
	assert.Equal(t, []string{"one", "three"}, records)
}

// TestAppendFails checks that all appends fail after one has failed.
func TestAppendFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, _ := reopen(t, path)
	require.NoError(t, j.Append([]byte("one")))
	require.NoError(t, j.file.Close())
	require.Error(t, j.Append([]byte("two")))
	require.Error(t, j.Append([]byte("three")))
	require.Error(t, j.Replace(nil))
	_, records := reopen(t, path)
	assert.Equal(t, []string{"one"}, records)
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(header(int64(headerSize))))
	f.Add(append([]byte(header(int64(headerSize+frameSize+1))), frame([]byte("x"))...))
	f.Add([]byte(name + " 00009 x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "state")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		j, records, err := Open(path)
		after, readErr := os.ReadFile(path)
		require.NoError(t, readErr)
		if err != nil {
			require.Equal(t, data, after)
			return
		}
		require.NoError(t, j.Append([]byte("more")))
		require.NoError(t, j.Close())
		again, more, err := Open(path)
		require.NoError(t, err)
		require.NoError(t, again.Close())
		require.Equal(t, append(records, []byte("more")), more)
	})
}
