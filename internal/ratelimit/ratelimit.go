// Package ratelimit holds MoneyKit's published rate limits.
package ratelimit

import "time"

// Window is the time in which requests count towards a limit. MoneyKit does not publish whether its
// windows are fixed or sliding.
const Window = time.Minute

// Limits are the largest numbers of requests of one operation in a [Window]. A zero field means
// that MoneyKit publishes no such limit.
type Limits struct {
	Link   int // requests about one link
	User   int // requests about one user
	Client int // requests with one client id
	App    int // requests of the application, over all its client ids
}

// For returns the limits of an operation, such as "GET /links/{id}". It returns false if none are
// published. The limits do not include those of product refreshes, which are per hour and per day.
func For(operation string) (Limits, bool) {
	limits := published(operation)
	return limits, limits != Limits{}
}
