package strictjson

import "strconv"

// The functions of this file check the grammar of JSON while they look for the end of a value.
// One pass over a webhook costs a fraction of what json.Valid takes.

// scanner scans data. What is below its outermost value must also mean the same to every reader if
// it is deep; otherwise that is a matter of whoever reads it.
type scanner struct {
	data []byte
	deep bool
	fold bool // names in another case are the same
}

// maxDepth bounds how deep values are nested.
const maxDepth = 100

// skipValue returns where the value ends that begins at at.
func (s scanner) skipValue(at, depth int) (int, error) {
	data := s.data
	if at == len(data) || depth > maxDepth {
		return at, ErrInvalid
	}
	switch c := data[at]; {
	case c == '"':
		return skipString(data, at)
	case c == '{':
		if !s.deep {
			return s.skipObject(at, depth, func(_, _ []byte) error { return nil })
		}
		var seen nameSet
		return s.skipObject(at, depth, func(name, _ []byte) error {
			_, err := seen.read(name, s.fold)
			return err
		})
	case c == '[':
		return s.skipArray(at, depth, func([]byte) error { return nil })
	case c == '-' || isDigit(c):
		return s.skipNumber(at)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if end := at + len(word); end <= len(data) && string(data[at:end]) == word {
			return end, nil
		}
	}
	return at, ErrInvalid
}

// skipObject calls member for each member of the object that begins at at, and returns where it
// ends.
func (s scanner) skipObject(at, depth int, member func(name, value []byte) error) (int, error) {
	data := s.data
	return s.skipList(at, '}', func(at int) (int, error) {
		name := at
		if at == len(data) || data[at] != '"' {
			return at, ErrInvalid
		}
		end, err := skipString(data, at)
		if err != nil {
			return end, err
		}
		at = skipSpace(data, end)
		if at == len(data) || data[at] != ':' {
			return at, ErrInvalid
		}
		value := skipSpace(data, at+1)
		if at, err = s.skipValue(value, depth+1); err != nil {
			return at, err
		}
		return at, member(data[name:end], data[value:at])
	})
}

// skipArray calls item for each item of the array that begins at at, and returns where it ends.
func (s scanner) skipArray(at, depth int, item func(value []byte) error) (int, error) {
	data := s.data
	return s.skipList(at, ']', func(at int) (int, error) {
		end, err := s.skipValue(at, depth+1)
		if err != nil {
			return end, err
		}
		return end, item(data[at:end])
	})
}

// skipList lets next skip each part of a list that begins at at with its bracket, and returns
// where the list ends, after the bracket last.
func (s scanner) skipList(at int, last byte, next func(at int) (int, error)) (int, error) {
	data := s.data
	at = skipSpace(data, at+1)
	if at < len(data) && data[at] == last {
		return at + 1, nil
	}
	for {
		end, err := next(at)
		if err != nil {
			return end, err
		}
		at = skipSpace(data, end)
		switch {
		case at == len(data):
			return at, ErrInvalid
		case data[at] == last:
			return at + 1, nil
		case data[at] != ',':
			return at, ErrInvalid
		}
		at = skipSpace(data, at+1)
	}
}

func skipString(data []byte, at int) (int, error) {
	for at++; at < len(data); at++ {
		switch c := data[at]; {
		case c == '"':
			return at + 1, nil
		case c < ' ':
			return at, ErrInvalid
		case c == '\\':
			at++
			if at == len(data) {
				return at, ErrInvalid
			}
			switch data[at] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if at++; at == len(data) || !isHex(data[at]) {
						return at, ErrInvalid
					}
				}
			default:
				return at, ErrInvalid
			}
		}
	}
	return at, ErrInvalid
}

// skipNumber refuses numbers that are too large for a float: readers differ in what they make of
// them.
func (s scanner) skipNumber(at int) (int, error) {
	data := s.data
	end, err := skipDecimal(data, at)
	if err != nil || !s.deep {
		return end, err
	}
	if _, err := strconv.ParseFloat(string(data[at:end]), 64); err != nil {
		return at, ErrInvalid
	}
	return end, nil
}

func skipDecimal(data []byte, at int) (int, error) {
	if data[at] == '-' {
		at++
	}
	if at < len(data) && data[at] == '0' {
		at++
	} else if end := skipDigits(data, at); end > at {
		at = end
	} else {
		return at, ErrInvalid
	}
	if at < len(data) && data[at] == '.' {
		end := skipDigits(data, at+1)
		if end == at+1 {
			return end, ErrInvalid
		}
		at = end
	}
	if at < len(data) && data[at]|0x20 == 'e' {
		at++
		if at < len(data) && (data[at] == '+' || data[at] == '-') {
			at++
		}
		end := skipDigits(data, at)
		if end == at {
			return end, ErrInvalid
		}
		at = end
	}
	return at, nil
}

func skipDigits(data []byte, at int) int {
	for at < len(data) && isDigit(data[at]) {
		at++
	}
	return at
}

func skipSpace(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\t' || data[at] == '\r') {
		at++
	}
	return at
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || ('a' <= c|0x20 && c|0x20 <= 'f') }
