package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

// picture is the only picture of the module, which the READMEs show. mostPicture is its maximum
// size in bytes, because all users of the module download it.
const (
	picture     = "docs/images/create-link.png"
	mostPicture = 300_000
)

// pictures finds all other pictures below a folder, by their names and by their first bytes.
func pictures(folder fs.FS) (found []string, err error) {
	err = fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		case name == picture:
			info, err := entry.Info()
			if err == nil && info.Size() > mostPicture {
				found = append(found, fmt.Sprintf("%s: %d bytes, at most %d", name, info.Size(), mostPicture))
			}
			return err
		}
		is, err := isPicture(folder, name)
		if is {
			found = append(found, fmt.Sprintf("%s: the only picture of the module is %s", name, picture))
		}
		return err
	})
	return found, err
}

func isPicture(folder fs.FS, name string) (bool, error) {
	extensions := []string{
		".apng", ".avif", ".bmp", ".gif", ".heic", ".ico", ".jfif", ".jpe", ".jpeg", ".jpg", ".jxl", ".png", ".svg", ".svgz",
		".tif", ".tiff", ".webp",
	}
	if slices.Contains(extensions, strings.ToLower(path.Ext(name))) {
		return true, nil
	}
	file, err := folder.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // The file is only read.
	start := make([]byte, 512)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	kind := http.DetectContentType(start[:n])
	if kind == "image/bmp" { // Any text that begins with BM has this type.
		return false, nil
	}
	return strings.HasPrefix(kind, "image/") || strings.HasPrefix(string(start[:n]), "<svg"), nil
}
