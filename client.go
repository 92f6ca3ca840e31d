package moneykit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/keylock"
	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/recent"
	"github.com/moneykit/moneykit-go/internal/transport"
)

// Defaults of a client.
const (
	defaultBaseURL    = "https://api.moneykit.com"
	defaultAPIVersion = "2023-02-18"
	defaultTimeout    = 60 * time.Second
	defaultMaxBytes   = 32 << 20
	version           = "0.1.0"
)

// Client calls the MoneyKit API. Create one with [NewClient] and share it: it is safe for
// concurrent use, caches the access token and reuses connections. Printing or logging a Client
// shows its client id and base URL, not its secret.
type Client struct {
	// LinkSessions opens Connect for a user and turns its result into a link.
	LinkSessions *LinkSessionsService
	// Links reads, changes and deletes links: connections between a user and an institution.
	Links *LinksService
	// Accounts reads the accounts of a link.
	Accounts *AccountsService
	// Transactions reads the transactions of a link, as pages or as changes.
	Transactions *TransactionsService
	// Identity reads the owners of a link's accounts.
	Identity *IdentityService
	// Investments reads holdings and investment transactions.
	Investments *InvestmentsService
	// Products refreshes a link's data from the bank.
	Products *ProductsService
	// Institutions is MoneyKit's directory of banks.
	Institutions *InstitutionsService
	// Users reads the data of all links of a user.
	Users *UsersService
	// Webhooks verifies and handles the events that MoneyKit sends.
	Webhooks *WebhooksService
	// Auth creates and examines access tokens. The client does this by itself; most programs never
	// use it.
	Auth *AuthService

	core *core
}

// core is what the services share.
type core struct {
	baseURL    string // without a slash at the end
	clientID   string
	secret     func() string // a function, because printing one does not show what it returns
	userAgent  string
	apiVersion string
	policy     transport.Policy
	logger     *slog.Logger                    // nil for none
	observer   func(context.Context, CallInfo) // nil for none
	limiter    Limiter                         // nil for none
	http       *http.Client
	tokens     TokenSource // nil with header authentication
	syncs      keylock.Locks
	webhooks   *verifier
	relinking  keylock.Locks
	relinks    recent.Map[userLink, openRelink]
	exits      recent.Map[string, time.Time] // when a user last left a relink whose result has no link id
	exchanging keylock.Locks
	exchanged  recent.Map[userToken, string] // the link ids that tokens were exchanged for
}

type service struct{ core *core }

// LinkSessionsService opens Connect for a user and turns its result into a link. It is
// [Client].LinkSessions.
type LinkSessionsService service

// LinksService reads, changes and deletes links. It is [Client].Links.
type LinksService service

// AccountsService reads the accounts of a link. It is [Client].Accounts.
type AccountsService service

// TransactionsService reads the transactions of a link. It is [Client].Transactions.
type TransactionsService service

// IdentityService reads the owners of a link's accounts. It is [Client].Identity.
type IdentityService service

// InvestmentsService reads holdings and investment transactions. It is [Client].Investments.
type InvestmentsService service

// ProductsService refreshes a link's data from the bank. It is [Client].Products.
type ProductsService service

// InstitutionsService searches MoneyKit's directory of banks. It is [Client].Institutions.
type InstitutionsService service

// UsersService reads the data of all links of a user. It is [Client].Users.
type UsersService service

// WebhooksService verifies and handles the events that MoneyKit sends. It is [Client].Webhooks.
type WebhooksService service

// AuthService creates and examines access tokens. It is [Client].Auth.
type AuthService service

// NewClient returns a client for the application that the credentials belong to. The credentials
// also select MoneyKit's sandbox or its live environment. NewClient does no I/O and reads no
// environment variables. It returns an error for empty credentials and invalid options.
func NewClient(clientID, clientSecret string, opts ...Option) (*Client, error) {
	if err := checkCredential("client id", clientID); err != nil {
		return nil, err
	}
	if err := checkCredential("client secret", clientSecret); err != nil {
		return nil, err
	}
	cfg := config{
		baseURL:    defaultBaseURL,
		apiVersion: defaultAPIVersion,
		userAgent:  "moneykit-go/" + version,
		maxBytes:   defaultMaxBytes,
		httpClient: &http.Client{},
		now:        time.Now,
	}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("moneykit: an option is nil")
		}
		if err := opt(&cfg); err != nil {
			return nil, fmt.Errorf("moneykit: %w", err)
		}
	}
	if cfg.headerAuth && cfg.tokens != nil {
		return nil, errors.New("moneykit: WithHeaderAuth and WithTokenSource exclude each other")
	}

	core := &core{
		baseURL:    cfg.baseURL,
		clientID:   clientID,
		secret:     func() string { return clientSecret },
		userAgent:  cfg.userAgent,
		apiVersion: cfg.apiVersion,
		policy:     cfg.retry.policy(),
		logger:     cfg.logger,
		observer:   cfg.observer,
		limiter:    cfg.limiter,
		http:       wireClient(cfg.httpClient, cfg.maxBytes),
		relinks:    recent.Map[userLink, openRelink]{Life: relinkReuse, Limit: maxRemembered},
		exits:      recent.Map[string, time.Time]{Life: relinkReuse, Limit: maxRemembered},
		exchanged:  recent.Map[userToken, string]{Life: finishMemory, Limit: maxRemembered},
	}
	core.webhooks = newVerifier(core, cfg.webhookAges, cfg.webhookKeyLife, cfg.now)
	auth := &AuthService{core}
	switch {
	case cfg.headerAuth:
	case cfg.tokens != nil:
		core.tokens = cfg.tokens
	default:
		core.tokens = &tokenCache{fetch: func(ctx context.Context) (Token, error) { return auth.CreateToken(ctx) }}
	}
	return &Client{
		LinkSessions: &LinkSessionsService{core},
		Links:        &LinksService{core},
		Accounts:     &AccountsService{core},
		Transactions: &TransactionsService{core},
		Identity:     &IdentityService{core},
		Investments:  &InvestmentsService{core},
		Products:     &ProductsService{core},
		Institutions: &InstitutionsService{core},
		Users:        &UsersService{core},
		Webhooks:     &WebhooksService{core},
		Auth:         auth,
		core:         core,
	}, nil
}

// NewClientFromEnv calls [NewClient] with the credentials from the environment variables
// MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET. If MONEYKIT_BASE_URL is set, it is the base URL.
// opts override the environment. If a credential is not set, the error names the variable.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	const id, secret, base = "MONEYKIT_CLIENT_ID", "MONEYKIT_CLIENT_SECRET", "MONEYKIT_BASE_URL"
	for _, name := range []string{id, secret} {
		if os.Getenv(name) == "" {
			return nil, fmt.Errorf("moneykit: the environment variable %s is not set", name)
		}
	}
	if url := os.Getenv(base); url != "" {
		opts = append([]Option{WithBaseURL(url)}, opts...)
	}
	return NewClient(os.Getenv(id), os.Getenv(secret), opts...)
}

// wireClient returns a copy of hc whose transport limits the time and size of each attempt.
func wireClient(hc *http.Client, maxBytes int64) *http.Client {
	wired := *hc
	base := wired.Transport
	if base == nil {
		base = transport.NewBase()
	}
	wire := &transport.Wire{Base: base, MaxBytes: maxBytes, Timeout: defaultTimeout, Yields: true}
	if wired.Timeout > 0 {
		// http.Client applies its timeout to all redirects together; Wire applies it to each
		// attempt.
		wire.Timeout, wire.Yields, wired.Timeout = wired.Timeout, false, 0
	}
	wired.Transport = wire
	wired.CheckRedirect = transport.SameOrigin(wired.CheckRedirect)
	return &wired
}

func checkCredential(name, value string) error {
	switch {
	case strings.TrimSpace(value) == "":
		return fmt.Errorf("moneykit: the %s is empty", name)
	case strings.TrimSpace(value) != value:
		return fmt.Errorf("moneykit: the %s begins or ends with white space", name)
	case strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("moneykit: the %s contains a control character", name)
	}
	return nil
}

// BaseURL returns the URL that the client sends requests to, without a slash at its end. It returns
// "" for a Client that was not made by [NewClient].
func (c *Client) BaseURL() string {
	if c == nil || c.core == nil {
		return ""
	}
	return c.core.baseURL
}

// String returns the client id and the base URL, without the secret.
func (c *Client) String() string {
	if c == nil || c.core == nil {
		return "moneykit.Client(nil)"
	}
	return fmt.Sprintf("moneykit.Client(%s at %s)", c.core.clientID, c.core.baseURL)
}

// Format writes [Client.String] for every verb of fmt.
func (c *Client) Format(f fmt.State, verb rune) { plain.Format(f, verb, c.String()) }

// LogValue returns [Client.String], for log/slog.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }
