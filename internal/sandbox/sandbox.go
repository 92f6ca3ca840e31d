package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/pages"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Settings configures a [Sandbox].
type Settings struct {
	Clock    func() time.Time
	World    world.Settings
	API      api.Settings
	Delivery delivery.Settings
}

// Default returns settings for one machine: made-up credentials, and 90 days of transactions for
// each new link.
func Default() Settings {
	return Settings{
		Clock: time.Now,
		World: world.Settings{SessionLife: 30 * time.Minute, History: 90 * 24 * time.Hour},
		API: api.Settings{
			ClientID: "sandbox_client", ClientSecret: "sandbox_client_secret", TokenLife: time.Hour,
		},
		Delivery: delivery.Settings{KeyOverlap: 24 * time.Hour},
	}
}

// Reports contains the functions through which a [Sandbox] reports mistakes and activity.
type Reports struct {
	// Errorf reports a mistake of the test, or of the program that uses the sandbox.
	Errorf func(format string, args ...any)
	// Logf logs a possible mistake.
	Logf func(format string, args ...any)
	// Request and Delivery observe requests and deliveries; see Observe in [api.Surroundings] and
	// [delivery.Surroundings]. The world is locked during the calls. Both may be nil.
	Request  func(r api.Request, refusal string)
	Delivery func(delivery.Delivery)
}

// Sandbox is the fake MoneyKit. Make one with [New]. It is safe for concurrent use.
type Sandbox struct {
	World   *world.Shared
	API     *api.API
	Pages   *pages.Pages
	Courier *delivery.Courier
}

// New returns a sandbox. When ctx ends, the sandbox stops delivering webhooks and ends the requests
// that a planned fault delays.
func New(ctx context.Context, settings Settings, reports Reports) *Sandbox {
	s := &Sandbox{World: world.NewShared(world.New(settings.World), settings.Clock)}
	s.Courier = delivery.New(ctx, settings.Delivery, delivery.Surroundings{
		World: s.World, Errorf: reports.Errorf, Logf: reports.Logf, Observe: reports.Delivery,
	})
	s.Pages = &pages.Pages{World: s.World}
	s.API = api.New(settings.API, api.Surroundings{
		World: s.World, Keys: s.Courier.Keys, Errorf: reports.Errorf, Done: ctx.Done(), Observe: reports.Request,
	})
	return s
}

// Handler returns a handler for the API, the pages of Connect, and the patterns that more adds. The
// first request parses the patterns, so that Handler itself is cheap.
func (s *Sandbox) Handler(more func(*http.ServeMux)) http.Handler {
	routes := sync.OnceValue(func() http.Handler {
		mux := http.NewServeMux()
		s.Pages.Register(mux)
		if more != nil {
			more(mux)
		}
		return s.API.Handler(mux)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routes().ServeHTTP(w, r) })
}

// CallBack returns the payload that Connect passes to the callback of a front end on a platform
// when Connect ends. For a platform that does not exist, it returns the payload of the web and an
// error.
func (s *Sandbox) CallBack(token string, end world.Ending, source moneykit.ConnectSource) ([]byte, error) {
	version := ""
	s.World.Do(func(w *world.World, _ time.Time) {
		if session := w.Sessions[token]; session != nil {
			version = session.Version
		}
	})
	payload, ok := pages.Payload(end, source, version)
	if !ok {
		return payload, fmt.Errorf("there is no source %q with version %q", source, version)
	}
	return payload, nil
}

// Plays reports whether there is a platform with this version of Connect.
func Plays(source moneykit.ConnectSource, version string) bool {
	_, ok := pages.Payload(world.Ending{}, source, version)
	return ok
}

// ConnectEvents returns the payloads that Connect has passed to its event callback for a link
// session. It returns an error for an unknown token, and for a platform that does not exist.
func (s *Sandbox) ConnectEvents(token string, source moneykit.ConnectSource) (payloads [][]byte, err error) {
	s.World.Do(func(w *world.World, _ time.Time) {
		session := w.Sessions[token]
		if session == nil {
			err = errors.New("the link session token is unknown")
			return
		}
		for _, step := range session.Steps {
			var data []byte
			if data, err = pages.Event(session, step, source); err != nil {
				payloads = nil
				return
			}
			payloads = append(payloads, data)
		}
	})
	return payloads, err
}
