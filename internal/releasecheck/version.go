package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// version is a semantic version without build metadata, which a Go module must not have.
type version struct {
	major, minor, patch int
	pre                 string // of a pre-release, such as rc.1; empty for a release
}

func parseVersion(text string) (version, error) {
	const number = `(0|[1-9][0-9]{0,8})`
	form := regexp.MustCompile(`^v` + number + `\.` + number + `\.` + number + `(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$`)
	parts := form.FindStringSubmatch(text)
	if parts == nil {
		return version{}, fmt.Errorf("%q is not a version such as v0.2.0", text)
	}
	var v version
	for i, n := range []*int{&v.major, &v.minor, &v.patch} {
		*n, _ = strconv.Atoi(parts[i+1])
	}
	v.pre = parts[4]
	for part := range strings.SplitSeq(v.pre, ".") {
		if _, ok := numeric(part); ok && len(part) > 1 && part[0] == '0' {
			return version{}, fmt.Errorf("%q has a number with a leading zero", text)
		}
	}
	return v, nil
}

// String returns the name of the version's tag.
func (v version) String() string { return "v" + v.number() }

// number returns the version without the letter v.
func (v version) number() string {
	text := fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch)
	if v.pre != "" {
		text += "-" + v.pre
	}
	return text
}

// compare returns a negative number if v is older than other. Its order is that of semver.org.
func (v version) compare(other version) int {
	if core := cmp.Or(cmp.Compare(v.major, other.major), cmp.Compare(v.minor, other.minor),
		cmp.Compare(v.patch, other.patch)); core != 0 || v.pre == other.pre {
		return core
	}
	switch {
	case v.pre == "":
		return 1
	case other.pre == "":
		return -1
	}
	mine, theirs := strings.Split(v.pre, "."), strings.Split(other.pre, ".")
	for i := range min(len(mine), len(theirs)) {
		if order := comparePart(mine[i], theirs[i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(mine), len(theirs))
}

// comparePart compares numbers by value. Numbers come before words.
func comparePart(a, b string) int {
	x, aNumber := numeric(a)
	y, bNumber := numeric(b)
	switch {
	case aNumber && bNumber:
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return strings.Compare(a, b)
}

func numeric(part string) (string, bool) {
	return part, part != "" && strings.Trim(part, "0123456789") == ""
}
