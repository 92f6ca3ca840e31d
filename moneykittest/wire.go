package moneykittest

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/moneykit/moneykit-go"
)

// allProducts lists the products in the order of the API.
func allProducts() []moneykit.Product {
	return []moneykit.Product{
		moneykit.ProductAccounts, moneykit.ProductAccountNumbers, moneykit.ProductIdentity,
		moneykit.ProductTransactions, moneykit.ProductInvestments, moneykit.ProductEnrichment,
	}
}

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

func (l *link) wire() wireLink {
	out := wireLink{
		Link: moneykit.Link{
			ID:                l.id,
			State:             l.state,
			Error:             l.reason,
			InstitutionID:     l.institution.id,
			InstitutionName:   l.institution.name,
			InstitutionAvatar: l.institution.avatar(),
			Provider:          cmp.Or(l.provider, moneykit.ProviderMoneyKit),
			AvailableProducts: []moneykit.Product{},
			Webhook:           l.webhook,
			Tags:              slices.Clone(l.tags),
		},
		Products:   map[moneykit.Product]wireProduct{},
		FormerTags: slices.Clone(l.tags),
	}
	for _, name := range allProducts() {
		p := l.products[name]
		if p == nil {
			out.AvailableProducts = append(out.AvailableProducts, name)
			continue
		}
		product := wireProduct{RefreshedAt: stamp(p.refreshed), LastAttemptedAt: stamp(p.refreshed), Settings: p.settings}
		if !p.attempted.IsZero() {
			product.LastAttemptedAt = stamp(p.attempted)
		}
		if p.failure != "" {
			message := failed(p.failure)
			product.Error, product.ErrorMessage = &p.failure, &message
		}
		if name == moneykit.ProductTransactions {
			history := !p.refreshed.IsZero()
			product.HasHistory = &history
		}
		if name == moneykit.ProductAccounts {
			out.LastSyncedAt = product.RefreshedAt
		}
		out.Products[name] = product
	}
	return out
}

// failed says why a product was not refreshed.
func failed(reason moneykit.ProductError) string { return "the refresh failed: " + string(reason) }

// public returns the link as the SDK reads it.
func (l *link) public() (moneykit.Link, error) {
	var out moneykit.Link
	data, err := json.Marshal(l.wire())
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}
