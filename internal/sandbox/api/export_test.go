package api

import (
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Windows returns the number of counts of rate limits.
func (a *API) Windows() (n int) {
	a.World.Do(func(*world.World, time.Time) { n = len(a.windows) })
	return n
}
