package api

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// wireLink is the JSON of a link: the SDK's type, with explicit nulls in products and with
// deprecated fields.
type wireLink struct {
	moneykit.Link

	Products     wireProducts       `json:"products"`
	LastSyncedAt moneykit.Timestamp `json:"last_synced_at,omitzero"`
	FormerTags   []string           `json:"tags,omitempty"`
}

// wireProducts are the products of a link.
type wireProducts struct {
	Accounts       *wireProduct      `json:"accounts,omitempty"`
	AccountNumbers *wireProduct      `json:"account_numbers,omitempty"`
	Identity       *wireProduct      `json:"identity,omitempty"`
	Transactions   *wireTransactions `json:"transactions,omitempty"`
	Investments    *wireProduct      `json:"investments,omitempty"`
	Enrichment     *wireProduct      `json:"enrichment,omitempty"`
}

// wireProduct is a product of a link.
type wireProduct struct {
	RefreshedAt     moneykit.Timestamp        `json:"refreshed_at,omitzero"`
	LastAttemptedAt moneykit.Timestamp        `json:"last_attempted_at,omitzero"`
	Error           *moneykit.ProductError    `json:"error_code"`
	ErrorMessage    *string                   `json:"error_message"`
	Unavailable     string                    `json:"unavailable,omitempty"`
	Settings        *moneykit.ProductSettings `json:"settings,omitempty"`
}

// wireTransactions is the product transactions. It is the only product with has_history.
type wireTransactions struct {
	wireProduct

	HasHistory bool `json:"has_history"`
}

// set sets the product with a name.
func (out *wireProducts) set(name moneykit.Product, p *wireProduct) {
	switch name {
	case moneykit.ProductAccounts:
		out.Accounts = p
	case moneykit.ProductAccountNumbers:
		out.AccountNumbers = p
	case moneykit.ProductIdentity:
		out.Identity = p
	case moneykit.ProductTransactions:
		out.Transactions = &wireTransactions{*p, !p.RefreshedAt.IsZero()}
	case moneykit.ProductInvestments:
		out.Investments = p
	case moneykit.ProductEnrichment:
		out.Enrichment = p
	}
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
		FormerTags: slices.Clone(l.Tags),
	}
	for _, name := range world.AllProducts() {
		p := l.Products[name]
		if p == nil {
			out.AvailableProducts = append(out.AvailableProducts, name)
			continue
		}
		product := &wireProduct{RefreshedAt: world.Stamp(p.Refreshed), LastAttemptedAt: world.Stamp(p.Refreshed), Settings: p.Settings}
		if !p.Attempted.IsZero() {
			product.LastAttemptedAt = world.Stamp(p.Attempted)
		}
		if failure := p.Failure; failure != "" {
			message := world.Failed(failure)
			product.Error, product.ErrorMessage = &failure, &message
		}
		if name == moneykit.ProductAccounts {
			out.LastSyncedAt = product.RefreshedAt
		}
		out.Products.set(name, product)
	}
	return out
}

// Link returns a link as the SDK decodes it. The world must be locked.
func Link(l *world.Link) (moneykit.Link, error) {
	var out moneykit.Link
	data, err := json.Marshal(wire(l))
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}
