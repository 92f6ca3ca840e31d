package moneykit

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// Event is what MoneyKit reports by a webhook: [*LinkStateChanged], [*ProductRefreshed],
// [*TransactionsAvailable], or [*UnknownEvent] for what is newer than this package.
//
// Events may come late, twice and in any order. They say what happened to a link, not what it is
// like now: read the link, or sync its transactions, rather than store what an event says.
type Event interface {
	// Meta returns what all events have.
	Meta() EventMeta
}

// EventMeta is what all events have.
type EventMeta struct {
	// Type is the name of the event as MoneyKit sent it, also if this package does not know it.
	Type EventType
	// Major and Minor are the version of the event's form. Of a new major version nothing is
	// known; a minor version only adds.
	Major, Minor int
	// IdempotencyKey is the same for all deliveries of one event.
	IdempotencyKey string
	// Timestamp is when the event happened, the same for all deliveries.
	Timestamp Timestamp
	LinkID    string
	LinkTags  []string
	// DeliveryToken names the delivery to MoneyKit's support. It is not signed.
	DeliveryToken string
	// DeliveryAttempt counts the deliveries of this event; 0 if MoneyKit did not say. It is not
	// signed.
	DeliveryAttempt int
	// Raw is the whole body.
	Raw []byte
}

// Meta returns m.
func (m EventMeta) Meta() EventMeta { return m }

// LogValue names the event, its link and its delivery.
func (m EventMeta) LogValue() slog.Value { return slog.GroupValue(m.attrs()...) }

func (m EventMeta) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("event", plain.Cut(string(m.Type), 100)), slog.String("link_id", plain.Cut(m.LinkID, 100)),
		slog.String("delivery_token", m.DeliveryToken), slog.Int("delivery_attempt", m.DeliveryAttempt),
	}
}

// LinkStateChanged says that a link is in another state: connected, in error, or deleted.
type LinkStateChanged struct {
	EventMeta

	State LinkState
	// Error is why the link cannot be used, with [LinkStateError].
	Error        LinkError
	ErrorMessage string
}

// ProductRefreshed says how far the refresh of a product of a link is. MoneyKit has two names for
// it, link.product_refresh and product.state_changed.
type ProductRefreshed struct {
	EventMeta

	Product        Product
	State          ProductState
	StateChangedAt Timestamp
	ErrorMessage   string // with [ProductStateFailed]
}

// TransactionsAvailable says that [Client.SyncTransactions] would find something.
type TransactionsAvailable struct {
	EventMeta

	// HasHistory is whether the whole history has been fetched.
	HasHistory bool
}

// UnknownEvent is an event with a name or a major version that this package does not know. What
// is known of its form is in its EventMeta, as far as it has it; the rest is in Raw.
type UnknownEvent struct{ EventMeta }

// maxEvent bounds the body of a webhook. Real ones have less than a kilobyte, unless the link has
// many tags.
const maxEvent = 1 << 20

// ParseUnverifiedEvent reads the body of a webhook without checking who sent it. It is for queues
// behind [WebhooksService.Handler] or [WebhooksService.Verify], which put [EventMeta].Raw there
// after they have checked it; anybody can make up what comes from elsewhere. It fails with
// [ErrMalformedEvent].
func ParseUnverifiedEvent(body []byte) (Event, error) {
	event, err := parseEvent(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the body %w", ErrMalformedEvent, err)
	}
	return event, nil
}

// eventBody is all members of all events.
type eventBody struct {
	EventMeta

	state, errorCode, errorMessage, product string
	changedAt                               Timestamp
	hasHistory                              bool
	wrong                                   error // with a member that an unknown event may have as it likes
}

func eventNames() []string {
	return []string{
		"webhook_event", "webhook_major_version", "webhook_minor_version", "webhook_idempotency_key",
		"webhook_timestamp", "link_id", "link_tags",
		"state", "error", "error_message", "product", "state_changed_at", "has_history",
	}
}

func parseEvent(data []byte) (Event, error) {
	if len(data) > maxEvent {
		return nil, fmt.Errorf("has more than %d bytes", maxEvent)
	}
	b := eventBody{EventMeta: EventMeta{Major: 1, Raw: data}}
	err := strictjson.Object(data, eventNames(), func(name string, value []byte) error {
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

// read reads one member. Null is as good as absent.
func (b *eventBody) read(name string, value []byte) (err error) {
	if strictjson.IsNull(value) {
		return nil
	}
	switch name {
	case "webhook_event":
		var name string
		name, err = readText(value)
		b.Type = EventType(name)
	case "webhook_major_version":
		err = readCount(value, &b.Major)
	case "webhook_minor_version":
		err = readCount(value, &b.Minor)
	case "webhook_idempotency_key":
		b.IdempotencyKey, err = readText(value)
	case "webhook_timestamp":
		b.Timestamp, err = readMoment(value)
	case "link_id":
		b.LinkID, err = readText(value)
	case "link_tags":
		b.LinkTags, err = readTexts(value)
	case "state":
		b.state, err = readText(value)
	case "error":
		b.errorCode, err = readText(value)
	case "error_message":
		b.errorMessage, err = readText(value)
	case "product":
		b.product, err = readText(value)
	case "state_changed_at":
		b.changedAt, err = readMoment(value)
	case "has_history":
		switch string(value) {
		case "true", "false":
			b.hasHistory = string(value) == "true"
		default:
			err = errors.New("is neither true nor false")
		}
	}
	return err
}

// event returns the event of the type that the body names.
func (b *eventBody) event() (Event, error) {
	required := []struct{ name, value string }{
		{"link_id", b.LinkID}, {"webhook_idempotency_key", b.IdempotencyKey}, {"state", b.state}, {"product", b.product},
	}
	var event Event
	switch kind := b.Type; {
	case b.Major != 1:
		return &UnknownEvent{b.EventMeta}, nil
	case kind == EventTypeLinkStateChanged:
		required = required[:3]
		event = &LinkStateChanged{b.EventMeta, LinkState(b.state), LinkError(b.errorCode), b.errorMessage}
	case kind == EventTypeLinkProductRefresh, kind == EventTypeProductStateChanged:
		event = &ProductRefreshed{b.EventMeta, Product(b.product), ProductState(b.state), b.changedAt, b.errorMessage}
	case kind == EventTypeTransactionsUpdatesAvailable:
		required = required[:2]
		event = &TransactionsAvailable{b.EventMeta, b.hasHistory}
	default:
		return &UnknownEvent{b.EventMeta}, nil
	}
	if b.wrong != nil {
		return nil, b.wrong
	}
	for _, r := range required {
		if r.value == "" {
			return nil, fmt.Errorf("does not have the member %s", r.name)
		}
	}
	return event, nil
}

func readText(value []byte) (string, error) {
	s, ok := strictjson.String(value)
	if !ok {
		return "", errors.New("is not a text")
	}
	return s, nil
}

func readTexts(value []byte) (list []string, err error) {
	err = strictjson.Array(value, func(item []byte) error {
		s, err := readText(item)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, errors.New("is not a list of texts")
	}
	return list, nil
}

// readCount leaves n as it is if the value is no count: a version that cannot be read is not
// another version.
func readCount(value []byte, n *int) error {
	count, err := strconv.ParseUint(string(value), 10, 31)
	if err != nil {
		return errors.New("is not a whole number")
	}
	*n = int(count)
	return nil
}

func readMoment(value []byte) (Timestamp, error) {
	s, _ := strictjson.String(value)
	t, err := ParseTimestamp(s)
	if err != nil {
		return Timestamp{}, errors.New("is not an RFC 3339 timestamp")
	}
	return t, nil
}
