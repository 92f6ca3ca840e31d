package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func ExampleNewClient() {
	client, err := moneykit.NewClient("sandbox_client", "not shown",
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: 5, MaxWait: time.Minute}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: moneykit.Client(sandbox_client at https://api.moneykit.com)
}

func ExampleNewClientFromEnv() {
	os.Setenv("MONEYKIT_CLIENT_ID", "sandbox_client")
	os.Setenv("MONEYKIT_CLIENT_SECRET", "not shown")

	client, err := moneykit.NewClientFromEnv(
		moneykit.WithLogger(slog.Default()),
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: 5, MaxWait: time.Minute}),
		moneykit.WithUserAgent("budget-app", "1.4"),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: moneykit.Client(sandbox_client at https://api.moneykit.com)
}

func ExampleWithObserver() {
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{})

	client := mk.Client(moneykit.WithObserver(func(_ context.Context, info moneykit.CallInfo) {
		fmt.Println(info.Operation, info.Attempt, info.StatusCode)
	}))
	if _, err := client.Links.Get(context.Background(), link.ID); err != nil {
		log.Fatal(err)
	}
	// Output:
	// POST /auth/token 1 201
	// GET /links/{id} 1 200
}

func ExampleWithLimiter() {
	mk := moneykittest.New(moneykittest.WithRateLimits())
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{})
	client := mk.Client(moneykit.WithLimiter(&moneykit.MemoryLimiter{}))

	// Without a deadline, the fifth call would wait until MoneyKit's minute is over.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for range 5 {
		_, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
		var e *moneykit.Error
		if errors.As(err, &e) {
			fmt.Println(errors.Is(err, moneykit.ErrRateLimited), e.RetryAfter > time.Minute)
			continue
		}
		fmt.Println("read")
	}
	// Output:
	// read
	// read
	// read
	// read
	// true true
}

func ExampleLinkSessionsService_Create() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client()

	session, err := client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{
			ID:    "user_0001",
			Email: &moneykit.CustomerUserEmail{Address: "jane@example.com"},
		},
		RedirectURI: "https://example.com/oauth",
		Settings: &moneykit.LinkSessionSettings{
			Countries: []moneykit.Country{moneykit.CountryUS},
			Products: &moneykit.SessionProducts{
				Transactions: &moneykit.ProductSettings{Required: true, Prefetch: true, Reason: "plan your budget"},
			},
		},
		Webhook: "https://example.com/moneykit/webhook",
		Tags:    []string{"budget"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session) // its Token is for the front end, and is not printed

	// What MoneyKit would refuse is not sent.
	_, err = client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "u1"},
		RedirectURI:  "https://example.com/oauth?from=app",
	})
	var e *moneykit.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			fmt.Println(f.Field, f.Message)
		}
	}
	// Output:
	// link session
	// customer_user.id must have 4 to 150 characters, not 2
	// redirect_uri must not have a query (put state into your own session)
}

func ExampleLinkSessionsService_Exchange() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client()
	session, err := client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://example.com/oauth",
		Tags:         []string{"budget"},
	})
	if err != nil {
		log.Fatal(err)
	}
	posted := mk.Connect(session.Token, moneykit.ConnectAndroid, moneykittest.Play{})

	result, err := moneykit.ParseConnectResult(posted)
	if err != nil {
		log.Fatal(err)
	}
	if result.Outcome == moneykit.ConnectExited {
		log.Fatal("the user left Connect: ", result.Err)
	}
	link, err := client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
	if errors.Is(err, moneykit.ErrOutcomeUnknown) {
		log.Fatal("look for a new link with Users.Links before starting over: ", err)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(link.State, link.InstitutionName, link.Tags)

	_, err = client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
	fmt.Println(errors.Is(err, moneykit.ErrorCodeInvalidTokenExchange))
	// Output:
	// connected Instant Bank [budget]
	// true
}

func ExampleLinksService_Get() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	id := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"}).ID
	client := mk.Client()

	mk.Break(id, moneykit.LinkErrorAuthExpired)
	link, err := client.Links.Get(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(link.State, link.Error)
	if at := link.Products.Accounts.RefreshedAt; !at.IsZero() {
		fmt.Println("its accounts have been fetched")
	}
	// Output:
	// error auth_expired
	// its accounts have been fetched
}

func ExampleLinksService_Delete() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	id := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"}).ID
	client := mk.Client()

	err := client.Links.Delete(ctx, id)
	if err != nil && !errors.Is(err, moneykit.ErrLinkDeleted) {
		log.Fatal(err)
	}
	_, err = client.Accounts.List(ctx, id, moneykit.AccountListParams{})
	fmt.Println(errors.Is(err, moneykit.ErrLinkDeleted))
	// Output: true
}

func ExampleAccountsService_List() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()

	list, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
	switch {
	case err == nil:
		fmt.Println(len(list.Accounts), "accounts")
	case errors.Is(err, moneykit.ErrRelinkRequired):
		fmt.Println("ask the user to relink")
	case errors.Is(err, moneykit.ErrLinkDeleted), errors.Is(err, moneykit.ErrNotFound):
		fmt.Println("delete the stored link")
	case errors.Is(err, moneykit.ErrRateLimited):
		fmt.Println("retry later")
	case errors.Is(err, moneykit.ErrorCodeLinkForbiddenAction):
		fmt.Println("the user did not permit this")
	default:
		fmt.Println(err)
	}
	// Output: 4 accounts
}

// test stands in for a *testing.T, which an example does not have.
type test struct{ moneykittest.TB }

func (test) Helper()                  {}
func (test) Cleanup(func())           {}
func (test) Context() context.Context { return context.Background() }

func Example_test() {
	var t test

	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()

	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	_, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	fmt.Println(errors.Is(err, moneykit.ErrRelinkRequired))
	// Output: true
}

func ExampleTransactionsService_All() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()
	for _, tx := range []moneykit.Transaction{
		{Type: moneykit.TransactionTypeCredit, Amount: moneykit.MustDecimal("1850.00")},
		{Type: moneykit.TransactionTypeDebit, Amount: moneykit.MustDecimal("19.99")},
		{Type: moneykit.TransactionTypeDebit, Amount: moneykit.MustDecimal("0.10")},
	} {
		tx.Date = moneykit.Date{Year: 2020, Month: time.May, Day: 4}
		mk.AddTransactions(link.ID, tx)
	}

	var sum moneykit.Decimal // what came in, minus what went out
	for tx, err := range client.Transactions.All(ctx, link.ID, moneykit.TransactionListParams{
		StartDate: moneykit.Date{Year: 2020, Month: time.May, Day: 1},
		EndDate:   moneykit.Date{Year: 2020, Month: time.May, Day: 31},
	}) {
		if err != nil {
			log.Fatal(err)
		}
		switch tx.Type {
		case moneykit.TransactionTypeCredit:
			sum = sum.Add(tx.Amount)
		case moneykit.TransactionTypeDebit:
			sum = sum.Sub(tx.Amount)
		}
	}
	fmt.Println(sum)
	// Output: 1829.91
}

func ExampleTransactionsService_Sync() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()

	stored := "" // the cursor that was stored with the last batch
	for batch, err := range client.Transactions.Sync(ctx, link.ID, stored) {
		if err != nil {
			log.Fatal(err)
		}
		stored = batch.Cursor // together with the changes
		fmt.Println(len(batch.Created) > 0, len(batch.Updated), len(batch.Removed), batch.HasMore)
	}
	fmt.Println(stored != "")
	// Output:
	// true 0 0 false
	// true
}

func ExampleTransactionsService_CorrectEnrichment() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()

	list, err := client.Transactions.List(ctx, link.ID, moneykit.TransactionListParams{Size: 1})
	if err != nil {
		log.Fatal(err)
	}
	corrected, err := client.Transactions.CorrectEnrichment(ctx, link.ID, list.Transactions[0].ID, moneykit.EnrichmentParams{
		Category: moneykit.CategoryFoodAndDrink, Subcategory: moneykit.SubcategoryCoffee,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(corrected.Transactions[0].Enrichment.Category.Value)
	// Output: food_and_drink
}

func ExampleClient_SyncTransactions() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()

	var store moneykittest.MemoryStore // yours is a database: a TransactionStore
	progress, err := client.SyncTransactions(ctx, link.ID, &store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(progress.Done, progress.Upserted == len(store.Transactions(link.ID)))
	// Output: true true
}

func ExampleIdentityService_List() {
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})

	list, err := mk.Client().Identity.List(context.Background(), link.ID, moneykit.IdentityListParams{})
	if err != nil {
		log.Fatal(err)
	}
	for _, owner := range list.Accounts[0].Owners {
		fmt.Println(len(owner.Names) > 0, len(owner.Emails) > 0)
	}
	// Output: true true
}

func ExampleInvestmentsService_Holdings() {
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})

	list, err := mk.Client().Investments.Holdings(context.Background(), link.ID, moneykit.HoldingListParams{})
	if err != nil {
		log.Fatal(err)
	}
	names := map[string]string{}
	for _, s := range list.Securities {
		names[s.ID] = s.Name
	}
	for _, h := range list.Holdings {
		if names[h.SecurityID] == "" {
			fmt.Println("a holding of nothing")
		}
	}
	fmt.Println(len(list.Holdings) > 0)
	// Output: true
}

func ExampleProductsService_Refresh() {
	ctx := context.Background()
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	client := mk.Client()

	products := []moneykit.Product{moneykit.ProductAccounts, moneykit.ProductTransactions}
	before, err := client.Products.Refresh(ctx, link.ID, products)
	if err != nil {
		log.Fatal(err)
	}
	after, err := client.Products.Wait(ctx, before, products)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(after.Products.Transactions.RefreshedAt.After(before.Products.Transactions.RefreshedAt.Time))
	// Output: true
}

func ExampleInstitutionsService_All() {
	mk := moneykittest.New()
	defer mk.Close()

	for institution, err := range mk.Client().Institutions.All(context.Background(), moneykit.InstitutionListParams{Name: "instant"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(institution.Name, institution.Country)
	}
	// Output: Instant Bank US
}

func ExampleUsersService_Links() {
	mk := moneykittest.New()
	defer mk.Close()
	mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})
	mk.AddLink(moneykittest.LinkSpec{UserID: "user_0002"})

	found, err := mk.Client().Users.Links(context.Background(), "user_0001")
	if err != nil {
		log.Fatal(err)
	}
	for _, link := range found.Links {
		fmt.Println(link.InstitutionName, link.State)
	}
	// Output: Instant Bank connected
}

func ExampleLinksService_Update() {
	mk := moneykittest.New()
	defer mk.Close()
	id := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://example.com/hook", Tags: []string{"trial"}}).ID

	link, err := mk.Client().Links.Update(context.Background(), id, moneykit.LinkUpdateParams{
		Webhook: moneykit.Clear[string](),
		Tags:    moneykit.Set([]string{"paying"}),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q %v\n", link.Webhook, link.Tags)
	// Output: "" [paying]
}

func ExampleWebhooksService_SendTest() {
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://example.com/hook"})

	delivery, err := mk.Client().Webhooks.SendTest(context.Background(), link.ID, moneykit.TestWebhookParams{
		Event: moneykit.EventTypeTransactionsUpdatesAvailable, IdempotencyKey: "try-1",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(delivery.Token != "")
	// Output: true
}

func ExampleWebhooksService_Handler() {
	mux := http.NewServeMux()
	mk := moneykittest.New(moneykittest.WithReceiver(mux))
	defer mk.Close()
	client := mk.Client()
	store := new(moneykittest.MemoryStore)

	router := moneykit.Router{
		LinkStateChanged: func(_ context.Context, e *moneykit.LinkStateChanged) error {
			fmt.Println(e.LinkID, "is in state", e.State, e.Error)
			return nil
		},
		TransactionsAvailable: func(ctx context.Context, e *moneykit.TransactionsAvailable) error {
			_, err := client.SyncTransactions(ctx, e.LinkID, store)
			return err
		},
	}
	mux.Handle("POST /webhooks/moneykit",
		client.Webhooks.Handler(router.Handle, moneykit.WithDedupe(&moneykit.MemoryDeduper{})))

	link := mk.AddLink(moneykittest.LinkSpec{Webhook: "https://app.example/webhooks/moneykit"})
	mk.Refresh(link.ID, moneykit.ProductTransactions)
	mk.Deliver()
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	mk.Deliver()
	fmt.Println(len(store.Transactions(link.ID)) > 0)
	// Output:
	// mk_YL5En9bScXzhMzWCBeo8X3 is in state error auth_expired
	// true
}

func ExampleWebhooksService_Verify() {
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client()
	body := []byte(`{"webhook_event":"transactions.updates_available","webhook_major_version":1,` +
		`"webhook_idempotency_key":"evt_1","link_id":"mk_1"}`)
	request := mk.SignedRequest("https://app.example/hooks", body)

	event, err := client.Webhooks.Verify(context.Background(), request.Header, body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Meta().Type, event.Meta().LinkID)

	_, err = client.Webhooks.Verify(context.Background(), request.Header, append(body, '\n'))
	fmt.Println(errors.Is(err, moneykit.ErrBodyMismatch))
	// Output:
	// transactions.updates_available mk_1
	// true
}

func ExampleAuthService_Introspect() {
	mk := moneykittest.New()
	defer mk.Close()
	app, err := mk.Client().Auth.Introspect(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	id, _ := mk.Credentials()
	fmt.Println(app.ID == id, app.DisabledAt.IsZero())
	// Output: true true
}

func ExampleClient_Do() {
	mk := moneykittest.New()
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{UserID: "user_0001"})

	var out struct {
		State string `json:"state"`
	}
	var resp moneykit.Response
	err := mk.Client().Do(context.Background(), http.MethodGet, "/links/"+link.ID, nil, &out, moneykit.CaptureResponse(&resp))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, out.State)
	// Output: 200 connected
}

func ExampleDecimal() {
	price, err := moneykit.ParseDecimal("10.50")
	if err != nil {
		log.Fatal(err)
	}
	same, err := moneykit.ParseDecimal("1.05e1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(price, same, price.Cmp(same), price.Rat())
	// Output: 10.50 1.05e1 0 21/2
}

func ExampleField() {
	fmt.Println(moneykit.LinkUpdateParams{
		Webhook: moneykit.Clear[string](),                   // remove it
		Tags:    moneykit.Set([]string{"budget", "team:7"}), // replace them
	}.Webhook.IsClear())
	// Output: true
}

func ExampleValidateRedirectURI() {
	for _, uri := range []string{"https://example.com/oauth", "myfinanceapp://oauth", "http://example.com/oauth"} {
		fmt.Println(uri, moneykit.ValidateRedirectURI(uri))
	}
	// Output:
	// https://example.com/oauth <nil>
	// myfinanceapp://oauth <nil>
	// http://example.com/oauth must begin with https:// except on localhost
}
