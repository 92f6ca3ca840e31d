//go:build race

package conformance

// raceDetector tells whether the tests run under it.
const raceDetector = true
