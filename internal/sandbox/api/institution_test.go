package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestInstitutions(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client()
	ctx := t.Context()
	all := collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{}))
	assert.InDelta(t, 300, len(all), 30)
	assert.Equal(t, []string{world.InstantBank, world.CredentialsBank, world.OAuthBank}, []string{all[0].ID, all[1].ID, all[2].ID})
	for _, limit := range []int{1, 50, 300} {
		assert.Equal(t, all, collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{Limit: limit})))
	}
	countries, featured, plain, aliases, names := map[moneykit.Country]int{}, []moneykit.Institution{}, 0, map[string]bool{}, []moneykit.Institution{}
	for _, in := range all {
		countries[in.Country]++
		if in.Featured {
			featured = append(featured, in)
		}
		if in.Color == "" {
			plain++
		} else {
			assert.Regexp(t, `^#[0-9A-F]{6}$`, in.Color)
		}
		if strings.Contains(in.Name, "Savings") {
			names = append(names, in)
		}
		for _, id := range append([]string{in.ID}, in.IDAliases...) {
			assert.False(t, aliases[id], id)
			aliases[id] = true
		}
	}
	assert.Len(t, countries, 3)
	assert.Positive(t, plain)
	assert.Less(t, len(featured), 60)
	assert.Equal(t, featured, collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{Featured: true, Limit: 5})))
	assert.Equal(t, names, collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{Name: "sAvInGs", Limit: 7})))
	none, err := client.Institutions.List(ctx, moneykit.InstitutionListParams{Name: "no such name"})
	require.NoError(t, err)
	assert.Equal(t, &moneykit.InstitutionPage{Institutions: []moneykit.Institution{}}, none)
	a := ask(t, mk, http.MethodGet, "/institutions?featured=0&limit=50", "")
	assert.Len(t, a.field(t, "institutions"), 50)
	a = ask(t, mk, http.MethodGet, "/institutions", "X-Client-Id:")
	assert.Equal(t, 200, a.status)
	assert.Equal(t, 401, ask(t, mk, http.MethodGet, "/institutions", "", "X-Client-Id:").status)
	assert.Equal(t, 401, ask(t, mk, http.MethodGet, "/institutions/x", "", "X-Client-Id:").status)

	last := all[len(all)-1]
	for _, id := range []string{last.ID, last.IDAliases[0]} {
		got, err := client.Institutions.Get(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, &last, got)
	}
	_, err = client.Institutions.Get(ctx, "mx.nowhere")
	e := isError(t, err, moneykit.ErrNotFound, 404)
	assert.Equal(t, moneykit.ErrorCodeInstitutionNotFound, e.Code)

	// All institutions can be linked. The name of the link's institution comes from the directory.
	for _, in := range []moneykit.Institution{last, all[20]} {
		params := sessionParams()
		params.InstitutionID = in.ID
		end := mk.connect(open(t, client, params), world.Play{})
		link, err := client.LinkSessions.Exchange(ctx, end.Token)
		require.NoError(t, err)
		assert.Equal(t, in.Name, link.InstitutionName)
	}
}
