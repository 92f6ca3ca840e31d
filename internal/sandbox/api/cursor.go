package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
)

// writeCursor encodes a place as a cursor for [readCursor].
func writeCursor(place any) string {
	data, err := json.Marshal(place)
	if err != nil {
		return "" // cannot happen: places consist of strings and numbers
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// readCursor decodes a cursor into place, a pointer. It returns false for a cursor of another list.
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
