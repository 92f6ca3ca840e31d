package world_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestDirectory(t *testing.T) {
	t.Parallel()
	var all []world.Institution
	ids := map[string]bool{}
	for i := range world.InstitutionCount {
		in := world.InstitutionAt(i)
		all = append(all, in)
		for _, id := range append([]string{in.ID}, in.Aliases...) {
			assert.False(t, ids[id], id)
			ids[id] = true
			found, ok := world.Lookup(id)
			assert.True(t, ok, id)
			assert.Equal(t, in, found)
		}
	}
	assert.Equal(t, []string{world.InstantBank, world.CredentialsBank, world.OAuthBank}, []string{all[0].ID, all[1].ID, all[2].ID})
	assert.True(t, slices.IsSortedFunc(all[3:], func(a, b world.Institution) int { return strings.Compare(a.Name, b.Name) }))
	assert.Len(t, all, 300)
}

func TestLookupUnknown(t *testing.T) {
	t.Parallel()
	first := world.InstitutionAt(0)
	for _, id := range []string{"no-bank", "alderbrook", "alderbrook-", "mx.", "mx.nowhere", "finicity.", "finicity.x", "mx.moneykit-oauth-bank"} {
		in, ok := world.Lookup(id)
		assert.False(t, ok, id)
		assert.Equal(t, first, in)
	}
	in, ok := world.Lookup("")
	assert.True(t, ok)
	assert.Equal(t, first, in)
}

// TestExampleInstitution looks up the ids in the examples of MoneyKit's documentation.
func TestExampleInstitution(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"chase", "mx.chase"} {
		in, ok := world.Lookup(id)
		assert.True(t, ok, id)
		assert.Equal(t, "chase", in.ID)
		assert.Equal(t, "Chase", in.Name)
		assert.Contains(t, in.Aliases, "mx.chase")
	}
}
