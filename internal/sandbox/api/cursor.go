package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
)

// writeCursor returns a cursor for a place. Only readCursor reads it.
func writeCursor(place any) string {
	data, err := json.Marshal(place)
	if err != nil {
		return "" // cannot be: places are strings and numbers
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// readCursor reads a cursor into place, a pointer, and reports false for one of another list.
func readCursor(cursor string, place any) bool {
	data, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if decoder.Decode(place) != nil {
		return false
	}
	_, err = decoder.Token()
	return errors.Is(err, io.EOF)
}
