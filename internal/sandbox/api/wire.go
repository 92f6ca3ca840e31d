package api

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// wireLink is a link as MoneyKit writes it: like the SDK's, with products that have nulls in them
// and fields that are deprecated.
type wireLink struct {
	moneykit.Link

	Products     map[moneykit.Product]wireProduct `json:"products"`
	LastSyncedAt moneykit.Timestamp               `json:"last_synced_at,omitzero"`
	FormerTags   []string                         `json:"tags,omitempty"`
}

// wireProduct is a product of a link. Only transactions have a history.
type wireProduct struct {
	RefreshedAt     moneykit.Timestamp        `json:"refreshed_at,omitzero"`
	LastAttemptedAt moneykit.Timestamp        `json:"last_attempted_at,omitzero"`
	Error           *moneykit.ProductError    `json:"error_code"`
	ErrorMessage    *string                   `json:"error_message"`
	Settings        *moneykit.ProductSettings `json:"settings,omitempty"`
	HasHistory      *bool                     `json:"has_history,omitempty"`
}

func wire(l *world.Link) wireLink {
	out := wireLink{
		Link: moneykit.Link{
			ID:                l.ID,
			State:             l.State,
			Error:             l.Reason,
			InstitutionID:     l.Institution.ID,
			InstitutionName:   l.Institution.Name,
			InstitutionAvatar: l.Institution.Avatar(),
			Provider:          cmp.Or(l.Provider, moneykit.ProviderMoneyKit),
			AvailableProducts: []moneykit.Product{},
			Webhook:           l.Webhook,
			Tags:              slices.Clone(l.Tags),
		},
		Products:   map[moneykit.Product]wireProduct{},
		FormerTags: slices.Clone(l.Tags),
	}
	for _, name := range world.AllProducts() {
		p := l.Products[name]
		if p == nil {
			out.AvailableProducts = append(out.AvailableProducts, name)
			continue
		}
		product := wireProduct{RefreshedAt: world.Stamp(p.Refreshed), LastAttemptedAt: world.Stamp(p.Refreshed), Settings: p.Settings}
		if !p.Attempted.IsZero() {
			product.LastAttemptedAt = world.Stamp(p.Attempted)
		}
		if failure := p.Failure; failure != "" {
			message := world.Failed(failure)
			product.Error, product.ErrorMessage = &failure, &message
		}
		if name == moneykit.ProductTransactions {
			history := !p.Refreshed.IsZero()
			product.HasHistory = &history
		}
		if name == moneykit.ProductAccounts {
			out.LastSyncedAt = product.RefreshedAt
		}
		out.Products[name] = product
	}
	return out
}

// Link returns a link as the SDK reads it. The world must be locked.
func Link(l *world.Link) (moneykit.Link, error) {
	var out moneykit.Link
	data, err := json.Marshal(wire(l))
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}
