package api

import (
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Windows returns how many counts of rate limits are remembered.
func (a *API) Windows() (n int) {
	a.World.Do(func(*world.World, time.Time) { n = len(a.windows) })
	return n
}
