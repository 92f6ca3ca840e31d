package moneykit_test

import (
	"fmt"
	"strings"
	"time"
)

// syncPageJSON is a page of n changes, of which 1 in 26 is an update.
func syncPageJSON(n int) []byte {
	var created, updated []string
	for i := range n {
		row := fmt.Sprintf(`{"transaction_id":"txn_%022d","account_id":"acc_0000000000000000000001","amount":"%d.%02d",`+
			`"type":"debit","currency":"USD","date":"20%02d-%02d-%02d","datetime":null,"description":"Regina's Mulberry",`+
			`"raw_description":"REGINA'S MULBERRY #%d T48999-84","pending":false,"category":"food_and_drinks.restaurants",`+
			`"enrichment":{"category":{"value":"food_and_drink","confidence":99},"subcategory":{"value":"coffee","confidence":93},`+
			`"merchant":{"id":"a0822a4f-a59b-4fc9-a768-d880da5bd090","name":"Regina's","logo":null,"confidence":90},`+
			`"recurrence":null},"original_id":null}`,
			i, i%1000, i%100, 10+i%15, 1+i%12, 1+i%28, i)
		if i%26 == 25 {
			updated = append(updated, row)
		} else {
			created = append(created, row)
		}
	}
	return fmt.Appendf(nil, `{"transactions":{"created":[%s],"updated":[%s],"removed":["txn_a","txn_b"]},"accounts":[{"account_id":`+
		`"acc_0000000000000000000001","account_type":"depository.checking","name":"Checking","balances":{"currency":"USD",`+
		`"available":340.12,"current":445.89}}],"cursor":{"next":"c_17"},"has_more":false,"link":%s}`,
		strings.Join(created, ","), strings.Join(updated, ","), linkJSON)
}

// plainSyncPage is what somebody would write without this package.
type plainSyncPage struct {
	Transactions struct {
		Created []plainTransaction `json:"created"`
		Updated []plainTransaction `json:"updated"`
		Removed []string           `json:"removed"`
	} `json:"transactions"`
	Accounts []plainAccount `json:"accounts"`
	Cursor   struct {
		Next string `json:"next"`
	} `json:"cursor"`
	HasMore bool      `json:"has_more"`
	Link    plainLink `json:"link"`
}

type plainTransaction struct {
	ID             string     `json:"transaction_id"`
	AccountID      string     `json:"account_id"`
	Type           string     `json:"type"`
	Amount         string     `json:"amount"`
	Currency       string     `json:"currency"`
	Date           string     `json:"date"`
	Datetime       *time.Time `json:"datetime"`
	Pending        bool       `json:"pending"`
	Description    string     `json:"description"`
	RawDescription string     `json:"raw_description"`
	OriginalID     *string    `json:"original_id"`
	Category       string     `json:"category"`
	Enrichment     *struct {
		Category    plainCategory  `json:"category"`
		Subcategory *plainCategory `json:"subcategory"`
		Merchant    *plainMerchant `json:"merchant"`
		Processor   *plainMerchant `json:"processor"`
		Recurrence  *struct {
			Frequency string  `json:"frequency"`
			Next      *string `json:"next_predicted_date"`
		} `json:"recurrence"`
	} `json:"enrichment"`
}

type plainCategory struct {
	Value      string   `json:"value"`
	Confidence *float64 `json:"confidence"`
}

type plainMerchant struct {
	ID         *string  `json:"id"`
	Name       string   `json:"name"`
	Logo       *string  `json:"logo"`
	Confidence *float64 `json:"confidence"`
}
