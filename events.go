package moneykit

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/strictjson"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// Event is an event that MoneyKit reports by a webhook: [*LinkStateChanged], [*ProductRefreshed],
// [*TransactionsAvailable], or [*UnknownEvent] for an event that is newer than this package.
//
// Events may arrive late, more than once and in any order. An event reports a past change of a
// link, not the link's current state. Read the link or sync its transactions instead of storing the
// event's data.
type Event interface {
	// Meta returns the fields that all events have.
	Meta() EventMeta
}

// EventMeta contains the fields that all events have. Printing an event, logging it and encoding it
// as JSON show only its type, its link and its delivery.
type EventMeta struct {
	// Type is the name of the event as MoneyKit sent it, even if this package does not know it.
	Type EventType
	// Major and Minor are the version of the event's form. This package knows major version 1.
	// Later minor versions only add members.
	Major, Minor int
	// IdempotencyKey is the same for all deliveries of one event.
	IdempotencyKey string
	// Timestamp is when the event happened, the same for all deliveries.
	Timestamp Timestamp
	LinkID    string
	LinkTags  []string
	// DeliveryToken identifies the delivery for MoneyKit's support. It is not signed.
	DeliveryToken string
	// DeliveryAttempt is the number of this delivery of the event; 0 if MoneyKit did not send it.
	// It is not signed.
	DeliveryAttempt int
	// Raw is the whole body of the webhook. Put it into a queue, and read it there with
	// [ParseUnverifiedEvent].
	Raw []byte
}

// Meta returns m, so that a type that embeds EventMeta is an [Event].
func (m EventMeta) Meta() EventMeta { return m }

// String returns the type of the event and its link.
func (m EventMeta) String() string {
	return fmt.Sprintf("event %s of link %s", m.Type.label(), plain.Label(m.LinkID))
}

// Format writes [EventMeta.String] for every verb of fmt.
func (m EventMeta) Format(f fmt.State, verb rune) { plain.Format(f, verb, m.String()) }

// MarshalText returns [EventMeta.String], for encoders such as [slog.JSONHandler]. To put an event
// into a queue, use Raw.
func (m EventMeta) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// label returns the type for logs and messages, shortened to safe text: an unknown type could
// contain anything.
func (t EventType) label() string { return plain.Label(string(t)) }

// LogValue returns the type of the event, its link and its delivery.
func (m EventMeta) LogValue() slog.Value { return slog.GroupValue(m.attrs()...) }

func (m EventMeta) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("event", m.Type.label()), slog.String("link_id", plain.Label(m.LinkID)),
		slog.String("delivery_token", m.DeliveryToken), slog.Int("delivery_attempt", m.DeliveryAttempt),
	}
}

// LinkStateChanged reports that a link has a new state, for example connected, error or deleted.
type LinkStateChanged struct {
	EventMeta

	State LinkState
	// Error is why the link cannot be used. It is set when State is [LinkStateError].
	Error        LinkError
	ErrorMessage string
}

// ProductRefreshed reports the progress of a refresh of a product. MoneyKit has two names for it,
// link.product_refresh and product.state_changed.
type ProductRefreshed struct {
	EventMeta

	Product        Product
	State          ProductState
	StateChangedAt Timestamp
	ErrorMessage   string // set when State is [ProductStateFailed]
}

// TransactionsAvailable reports that [Client.SyncTransactions] has changes to fetch.
type TransactionsAvailable struct {
	EventMeta

	// HasHistory reports whether the whole history has been fetched.
	HasHistory bool
}

// UnknownEvent is an event with a type or a major version that this package does not know.
// EventMeta contains the fields that all events have. Raw contains the others.
type UnknownEvent struct{ EventMeta }

// maxEvent is the largest accepted body of a webhook, in bytes. Real bodies have less than a
// kilobyte, unless the link has many tags.
const maxEvent = 1 << 20

// ParseUnverifiedEvent reads the body of a webhook without verifying who sent it. Use it only for
// verified bodies, such as an [EventMeta].Raw that your own handler put into a queue. It returns an
// error that matches [ErrMalformedEvent] if the body is not an event.
func ParseUnverifiedEvent(body []byte) (Event, error) {
	event, err := parseEvent(body, delivery{})
	if err != nil {
		return nil, fmt.Errorf("%w: the body %w", ErrMalformedEvent, err)
	}
	return event, nil
}

// eventBody contains the members of all events.
type eventBody struct {
	EventMeta

	state, errorCode, errorMessage, product string
	changedAt                               Timestamp
	hasHistory                              bool
	wrong                                   error // of the first unreadable member
}

func eventNames() []string {
	return []string{
		"webhook_event", "webhook_major_version", "webhook_minor_version", "webhook_idempotency_key",
		"webhook_timestamp", "link_id", "link_tags",
		"state", "error", "error_message", "product", "state_changed_at", "has_history",
	}
}

// parseEvent reads the body of a webhook. delivery is from its header.
func parseEvent(data []byte, delivery delivery) (Event, error) {
	if len(data) > maxEvent {
		return nil, fmt.Errorf("has more than %d bytes", maxEvent)
	}
	b := eventBody{EventMeta: EventMeta{
		Major: 1, Raw: data, DeliveryToken: delivery.token, DeliveryAttempt: delivery.attempt,
	}}
	err := strictjson.Object(data, eventNames(), func(name string, value *strictjson.Reader) error {
		if err := b.read(name, value); err != nil && b.wrong == nil {
			b.wrong = fmt.Errorf("has the member %s, which %w", name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b.event()
}

// read reads one member. Null counts as absent.
func (b *eventBody) read(name string, value *strictjson.Reader) error {
	if value.Kind() == 'n' {
		return nil
	}
	switch name {
	case "webhook_event":
		return readText(value.Raw(), &b.Type)
	case "webhook_major_version":
		return readCount(value.Raw(), &b.Major)
	case "webhook_minor_version":
		return readCount(value.Raw(), &b.Minor)
	case "webhook_idempotency_key":
		return readText(value.Raw(), &b.IdempotencyKey)
	case "webhook_timestamp":
		return readMoment(value.Raw(), &b.Timestamp)
	case "link_id":
		return readText(value.Raw(), &b.LinkID)
	case "link_tags":
		return b.readTags(value)
	case "state":
		return readText(value.Raw(), &b.state)
	case "error":
		return readText(value.Raw(), &b.errorCode)
	case "error_message":
		return readText(value.Raw(), &b.errorMessage)
	case "product":
		return readText(value.Raw(), &b.product)
	case "state_changed_at":
		return readMoment(value.Raw(), &b.changedAt)
	case "has_history":
		var ok bool
		if b.hasHistory, ok = wirejson.Bool(value.Raw()); !ok {
			return errors.New("is neither true nor false")
		}
	}
	return nil
}

// event returns the event of the type that the body names. To support a new type, add a case here,
// a type above and a field of [Router].
func (b *eventBody) event() (Event, error) {
	kind := b.Type
	if b.Major != 1 {
		kind = "" // The form of another major version is unknown.
	}
	switch kind {
	case EventTypeLinkStateChanged:
		return b.known(&LinkStateChanged{b.EventMeta, LinkState(b.state), LinkError(b.errorCode), b.errorMessage},
			required{"state", b.state})
	case EventTypeLinkProductRefresh, EventTypeProductStateChanged:
		return b.known(&ProductRefreshed{b.EventMeta, Product(b.product), ProductState(b.state), b.changedAt, b.errorMessage},
			required{"state", b.state}, required{"product", b.product})
	case EventTypeTransactionsUpdatesAvailable:
		return b.known(&TransactionsAvailable{b.EventMeta, b.hasHistory})
	}
	return &UnknownEvent{b.EventMeta}, nil
}

// required is a member that an event must have.
type required struct{ name, value string }

// known returns an event of a known form, if all members can be read and none is missing.
func (b *eventBody) known(event Event, own ...required) (Event, error) {
	if b.wrong != nil {
		return nil, b.wrong
	}
	for _, r := range append([]required{{"link_id", b.LinkID}, {"webhook_idempotency_key", b.IdempotencyKey}}, own...) {
		if r.value == "" {
			return nil, fmt.Errorf("does not have the member %s", r.name)
		}
	}
	return event, nil
}

// readTags reads the tags. They share the memory of one string, because a link may have many tags.
func (b *eventBody) readTags(value *strictjson.Reader) error {
	tags := make([][2]int, 0, 32) // start and end of each in the body; 32 fit on the stack
	err := value.Array(func(item *strictjson.Reader) error {
		if item.Kind() != 'n' {
			start := item.Offset()
			tags = append(tags, [2]int{start, start + len(item.Raw())})
		}
		return nil
	})
	if err != nil || len(tags) == 0 {
		return err
	}
	first, last := tags[0][0], tags[len(tags)-1][1]
	text := string(b.Raw[first:last])
	b.LinkTags = make([]string, len(tags))
	for i, tag := range tags {
		quoted := text[tag[0]-first : tag[1]-first]
		if n := len(quoted); n > 1 && quoted[0] == '"' && strings.IndexByte(quoted, '\\') < 0 {
			b.LinkTags[i] = quoted[1 : n-1]
		} else if err := readText([]byte(quoted), &b.LinkTags[i]); err != nil {
			return err
		}
	}
	return nil
}

func readText[T ~string](value []byte, to *T) error {
	s, ok := wirejson.Text(value)
	if !ok {
		return errors.New("is not a text")
	}
	*to = T(s)
	return nil
}

// readCount reads a version number. It leaves n unchanged if the value is not a count, so that an
// unreadable version does not count as another version.
func readCount(value []byte, n *int) error {
	count, ok := wirejson.Int(value)
	if !ok || count < 0 || count > math.MaxInt32 {
		return errors.New("is not a whole number")
	}
	*n = int(count)
	return nil
}

func readMoment(value []byte, to *Timestamp) error {
	if to.UnmarshalJSON(value) != nil {
		return errors.New("is not an RFC 3339 timestamp")
	}
	return nil
}
