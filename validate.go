package moneykit

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// Limits that MoneyKit publishes, in characters.
const (
	minUserID, maxUserID = 4, 150
	minEmail, maxEmail   = 4, 254
	minPhone, maxPhone   = 4, 30
	maxURL               = 65536
	maxTag               = 99
)

// invalid returns the error of a request that is not sent, nil if there are no invalid fields.
func invalid(operation string, fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	e := &Error{
		Operation: operation,
		Code:      ErrorCodeValidationFailed,
		Fields:    fields,
		why:       "the request was not sent",
	}
	for _, f := range fields {
		e.details = append(e.details, f.Field+" "+f.Message)
	}
	return e
}

// fieldErrors collects the invalid fields of a request. Messages contain numbers of the caller, but
// none of the caller's text.
type fieldErrors []FieldError

func (f *fieldErrors) add(field, format string, args ...any) {
	*f = append(*f, FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
}

// length checks the number of characters of a required text. Like MoneyKit it counts code points.
func (f *fieldErrors) length(field, value string, least, most int) {
	if n := utf8.RuneCountInString(value); n < least || n > most {
		f.add(field, "must have %d to %d characters, not %d", least, most, n)
	}
}

// userID checks the id of one of the application's users.
func (f *fieldErrors) userID(field, id string) {
	f.length(field, id, minUserID, maxUserID)
	f.pathID(field, id)
}

// pathID adds an error if id would change the path of a request.
func (f *fieldErrors) pathID(field, id string) {
	if movesPath(id) {
		f.add(field, "must not be . or .. and must not have a slash or backslash, even percent-encoded")
	}
}

// check adds the fields of u that MoneyKit would refuse.
func (u *CustomerUser) check(field string, f *fieldErrors) {
	f.userID(field+".id", u.ID)
	if u.Email != nil {
		f.length(field+".email.address", u.Email.Address, minEmail, maxEmail)
	}
	if u.Phone != nil {
		f.length(field+".phone.number", u.Phone.Number, minPhone, maxPhone)
	}
}

// webhook adds an error if MoneyKit could not deliver to the webhook.
func (f *fieldErrors) webhook(field, webhook string) {
	f.length(field, webhook, 1, maxURL)
	if err := weburl.CheckWebhook(webhook); err != nil {
		f.add(field, "%v", err)
	}
}

func (f *fieldErrors) tags(field string, tags []string) {
	for i, tag := range tags {
		at := fmt.Sprintf("%s[%d]", field, i)
		if tag == "" || !strings.Contains(plain.Alphanumeric, tag[:1]) {
			f.add(at, "must begin with a letter from A to Z or a digit")
		}
		f.length(at, tag, 1, maxTag)
	}
}

// check adds the fields of d that MoneyKit would refuse.
func (d *CustomSandboxData) check(field string, f *fieldErrors) {
	for i, owner := range d.Owners {
		for j, phone := range owner.PhoneNumbers {
			if phone.Type == "" {
				f.add(fmt.Sprintf("%s.owners[%d].phone_numbers[%d].type", field, i, j), "must not be empty")
			}
		}
	}
	for i, account := range d.Accounts {
		at := fmt.Sprintf("%s.accounts[%d].", field, i)
		for _, required := range []struct{ name, value string }{
			{"account_type", account.AccountType},
			{"name", account.Name},
			{"account_number", account.AccountNumber},
		} {
			if strings.TrimSpace(required.value) == "" {
				f.add(at+required.name, "must not be empty")
			}
		}
		if n := account.RoutingNumber; n != "" && !validABA(n) {
			f.add(at+"routing_number", "must be nine digits that end with a valid ABA check digit")
		}
	}
}

// validABA reports whether n is a routing number: nine digits, not all zero, whose sum with the
// weights 3, 7, 1, 3, 7, 1, 3, 7, 1 is a multiple of ten.
func validABA(n string) bool {
	if len(n) != 9 {
		return false
	}
	sum := 0
	for i, weight := range []int{3, 7, 1, 3, 7, 1, 3, 7, 1} {
		if n[i] < '0' || n[i] > '9' {
			return false
		}
		sum += weight * int(n[i]-'0')
	}
	return sum%10 == 0 && n != "000000000"
}
