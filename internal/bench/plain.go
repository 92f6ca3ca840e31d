package main

import "time"

// The types in this file are typical handwritten types for MoneyKit's responses and encoding/json.
// Amounts are strings, and absent members are nil.

type plainLink struct {
	ID                string                  `json:"link_id"`
	InstitutionID     string                  `json:"institution_id"`
	InstitutionName   string                  `json:"institution_name"`
	InstitutionAvatar string                  `json:"institution_avatar"`
	State             string                  `json:"state"`
	ErrorCode         *string                 `json:"error_code"`
	ErrorMessage      *string                 `json:"error_message"`
	LastSyncedAt      *time.Time              `json:"last_synced_at"`
	Tags              []string                `json:"tags"`
	Products          map[string]plainProduct `json:"products"`
	AvailableProducts []string                `json:"available_products"`
	Webhook           *string                 `json:"webhook"`
	Provider          string                  `json:"provider"`
}

type plainProduct struct {
	RefreshedAt     *time.Time `json:"refreshed_at"`
	LastAttemptedAt *time.Time `json:"last_attempted_at"`
	ErrorCode       *string    `json:"error_code"`
	ErrorMessage    *string    `json:"error_message"`
	HasHistory      *bool      `json:"has_history"`
}

type plainAccount struct {
	ID       string  `json:"account_id"`
	Type     string  `json:"account_type"`
	Name     string  `json:"name"`
	Nickname *string `json:"nickname"`
	Mask     *string `json:"account_mask"`
	Balances struct {
		Currency  string     `json:"currency"`
		Available *float64   `json:"available"`
		Current   *float64   `json:"current"`
		Limit     *float64   `json:"limit"`
		Date      *time.Time `json:"balance_date"`
	} `json:"balances"`
	Closed bool `json:"closed"`
}

type plainAccounts struct {
	Accounts []plainAccount `json:"accounts"`
	Link     plainLink      `json:"link"`
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
	Description    *string    `json:"description"`
	RawDescription *string    `json:"raw_description"`
	OriginalID     *string    `json:"original_id"`
	Category       *string    `json:"category"`
	Enrichment     *struct {
		Category    *plainGuess    `json:"category"`
		Subcategory *plainGuess    `json:"subcategory"`
		Merchant    *plainMerchant `json:"merchant"`
		Processor   *plainMerchant `json:"processor"`
		Recurrence  *struct {
			Frequency string  `json:"frequency"`
			Next      *string `json:"next_predicted_date"`
		} `json:"recurrence"`
	} `json:"enrichment"`
}

type plainGuess struct {
	Value      string   `json:"value"`
	Confidence *float64 `json:"confidence"`
}

type plainMerchant struct {
	ID         *string  `json:"id"`
	Name       string   `json:"name"`
	Logo       *string  `json:"logo"`
	Confidence *float64 `json:"confidence"`
}

type plainList struct {
	Total        int                `json:"total"`
	Page         int                `json:"page"`
	Size         int                `json:"size"`
	Transactions []plainTransaction `json:"transactions"`
	Accounts     []plainAccount     `json:"accounts"`
	Link         plainLink          `json:"link"`
}

type plainSync struct {
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
