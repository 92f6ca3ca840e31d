package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

const hook = "https://app.example/hooks"

// start is the time at which the tests begin.
var start = time.Date(2030, 6, 20, 12, 0, 0, 0, time.UTC)

func newWorld(changes ...func(*world.Settings)) *world.World {
	settings := world.Settings{SessionLife: 30 * time.Minute, History: 90 * 24 * time.Hour}
	for _, change := range changes {
		change(&settings)
	}
	return world.New(settings)
}

func add(t *testing.T, w *world.World, spec world.LinkSpec) *world.Link {
	t.Helper()
	link, known := w.AddLink(spec, start)
	require.True(t, known)
	return link
}

func transactions(t *testing.T, w *world.World, link *world.Link) []moneykit.Transaction {
	t.Helper()
	rows, err := w.Transactions(link.ID, start)
	require.NoError(t, err)
	return rows
}

func amount(t *testing.T, s string) moneykit.Decimal {
	t.Helper()
	d, err := moneykit.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

// sessionParams returns the minimal parameters of a link session.
func sessionParams() moneykit.LinkSessionParams {
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"},
		RedirectURI:  "https://app.example/oauth",
	}
}
