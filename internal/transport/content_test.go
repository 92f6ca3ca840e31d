package transport_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// pack compresses s in one of three formats.
func pack(t *testing.T, format, s string) string {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	switch format {
	case "gzip":
		w = gzip.NewWriter(&buf)
	case "zlib":
		w = zlib.NewWriter(&buf)
	case "deflate":
		var err error
		w, err = flate.NewWriter(&buf, flate.BestSpeed)
		require.NoError(t, err)
	}
	_, err := io.WriteString(w, s)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.String()
}

func TestWireDecompresses(t *testing.T) {
	const plain = `{"a":1}`
	gz := pack(t, "gzip", plain)
	zip := pack(t, "zlib", plain)
	large := strings.Repeat("a", 1<<20)
	var (
		damaged  = "the compressed response body is damaged"
		early    = "the connection ended early"
		unknown  = "the response has a content encoding other than gzip, deflate and identity"
		tooLarge = "the response body is larger than 1024 bytes"
	)
	for _, tt := range []struct {
		name      string
		encodings []string
		body      string
		wrong     string
	}{
		{"gzip", []string{"gzip"}, gz, ""},
		{"in upper case", []string{"GZip"}, gz, ""},
		{"gzip with its old name", []string{" X-GZIP "}, gz, ""},
		{"gzip without a header", nil, gz, ""},
		{"gzip with the header identity", []string{"identity"}, gz, ""},
		{"no gzip, with the header gzip", []string{"gzip"}, plain, ""},
		{"gzip in two parts", []string{"gzip"}, pack(t, "gzip", plain[:3]) + pack(t, "gzip", plain[3:]), ""},
		{"deflate", []string{"deflate"}, zip, ""},
		{"deflate without the header of zlib", []string{"Deflate"}, pack(t, "deflate", plain), ""},
		{"identity", []string{"identity"}, plain, ""},
		{"an empty list", []string{", ,"}, plain, ""},
		{"a list with identity", []string{"identity, gzip,identity"}, gz, ""},
		{"two", []string{"gzip, gzip"}, pack(t, "gzip", gz), ""},
		{"two in two headers", []string{"gzip", "deflate"}, pack(t, "zlib", gz), ""},
		{"two, in the other order", []string{"deflate,gzip"}, pack(t, "gzip", zip), ""},
		{"nothing", []string{"gzip"}, "", ""},
		{"an empty body in an unknown encoding", []string{"br"}, "", ""},
		{"a bomb", []string{"gzip"}, pack(t, "gzip", large), tooLarge},
		{"a bomb in a bomb", []string{"gzip, gzip"}, pack(t, "gzip", pack(t, "gzip", large)), tooLarge},
		{"a bomb without a header", nil, pack(t, "gzip", large), tooLarge},
		{"gzip with a wrong sum", []string{"gzip"}, gz[:len(gz)-8] + "\x00\x00\x00\x00" + gz[len(gz)-4:], damaged},
		{"gzip with a tail", []string{"gzip"}, gz + "tail of something", damaged},
		{"invalid deflate", []string{"deflate"}, "\xff\xff\xff\xff", damaged},
		{"incomplete gzip", []string{"gzip"}, gz[:len(gz)-9], early},
		{"gzip with an incomplete header", []string{"gzip"}, gz[:5], early},
		{"incomplete deflate", []string{"deflate"}, zip[:len(zip)-1], early},
		{"an unknown encoding", []string{"br"}, "x", unknown},
		{"an unknown encoding in a list", []string{"gzip, zstd"}, gz, unknown},
		{"too many", []string{"gzip,gzip,gzip,gzip,gzip"}, gz, unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			shared := http.Header{"Content-Length": {"1"}}
			if tt.encodings != nil {
				shared["Content-Encoding"] = tt.encodings
			}
			header := shared.Clone()
			base := roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, ContentLength: int64(len(tt.body)), Body: io.NopCloser(strings.NewReader(tt.body)), Header: header,
				}, nil
			})
			resp, err := (&transport.Wire{Base: base, MaxBytes: 1024}).RoundTrip(get(t, t.Context()))
			assert.Equal(t, shared, header, "a map that may be shared is not written")
			if tt.wrong != "" {
				require.Error(t, err)
				assert.Equal(t, tt.wrong, transport.Cause(err).Error())
				return
			}
			require.NoError(t, err)
			defer resp.Body.Close()
			if tt.body == "" {
				assert.Empty(t, resp.Body.(*transport.Body).Bytes())
				return
			}
			assert.Equal(t, plain, string(resp.Body.(*transport.Body).Bytes()))
			if tt.body != plain {
				assert.Empty(t, resp.Header.Get("Content-Encoding"))
				assert.Empty(t, resp.Header.Get("Content-Length"))
				assert.Equal(t, int64(-1), resp.ContentLength)
			}
		})
	}
}

// TestWireTrustsADecompressor uses a transport that reports that it has decompressed the body, but
// keeps the header.
func TestWireTrustsADecompressor(t *testing.T) {
	base := roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: 200, ContentLength: -1, Uncompressed: true, Body: io.NopCloser(strings.NewReader("{}")),
			Header: http.Header{"Content-Encoding": {"br"}},
		}, nil
	})
	resp, err := (&transport.Wire{Base: base, MaxBytes: 1024}).RoundTrip(get(t, t.Context()))
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "{}", string(resp.Body.(*transport.Body).Bytes()))
}
