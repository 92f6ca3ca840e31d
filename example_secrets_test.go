package moneykit_test

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/moneykit/moneykit-go"
)

func ExampleLinkSession() {
	session := moneykit.LinkSession{Token: "a token that starts Connect"}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	logger.Info("opened", "session", session) // without the token
	fmt.Printf("%+v\n", session)              // without it, too
	fmt.Println(len(session.Token) > 0)       // this field is for the front end, and for no log
	// Output:
	// level=INFO msg=opened session="link session"
	// link session
	// true
}
