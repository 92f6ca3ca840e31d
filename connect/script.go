package connect

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"net/http"
	"time"
)

//go:embed connect.js
var scriptJS []byte

//go:embed connect.d.ts
var scriptTypes []byte

// file is a response with an embedded file.
type file struct {
	kind    string // the media type
	content []byte
	tag     string // of the header ETag
}

// newFile returns the endpoint of a file.
func newFile(kind string, content []byte) endpoint {
	f := file{kind + "; charset=utf-8", content, fmt.Sprintf(`"%x"`, sha256.Sum256(content))}
	return endpoint{"GET, HEAD", func(http.ResponseWriter, *http.Request) (any, error) { return f, nil }}
}

// serve writes the file. Browsers revalidate it on each use, because its version must match the
// endpoints.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Type", f.kind)
	header.Set("ETag", f.tag)
	header.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}
