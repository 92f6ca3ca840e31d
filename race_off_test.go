//go:build !race

package moneykit_test

// raceDetector tells whether the tests run under it.
const raceDetector = false
