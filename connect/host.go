package connect

import (
	"cmp"
	"errors"
	"net/url"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// moneyKitHost is the origin of Connect's own pages.
const moneyKitHost = "https://connect.moneykit.com"

// cleanHost returns the host of Connect's pages in the form of an origin. Connect's launcher
// compares it with the origin of messages, so it must not end with a slash.
func cleanHost(host string) (string, error) {
	clean, err := weburl.CheckOrigin(cmp.Or(host, moneyKitHost))
	if err != nil {
		return "", err
	}
	if u, err := url.Parse(clean); err != nil || !weburl.IsSecure(u) {
		return "", errors.New("must begin with https:// except on localhost")
	}
	return clean, nil
}

// hostMismatch returns a log message if the client calls a sandbox and Connect's pages are
// MoneyKit's own, or the reverse, and "" otherwise. A link session of one does not exist at the
// other.
func hostMismatch(client *moneykit.Client, host string) string {
	api, err := url.Parse(client.BaseURL())
	if err != nil {
		return ""
	}
	pages, err := url.Parse(cmp.Or(host, moneyKitHost))
	switch {
	case err != nil:
		return ""
	case host == "" && !weburl.IsMoneyKit(api.Hostname()):
		return "moneykit: the client does not call MoneyKit's own API, but Connect opens MoneyKit's own pages: set connect.Config.Host"
	case weburl.IsMoneyKit(api.Hostname()) && !weburl.IsMoneyKit(pages.Hostname()):
		return "moneykit: the client calls MoneyKit's own API, but Connect opens other pages: " +
			"set the client's base URL, or leave connect.Config.Host empty"
	}
	return ""
}
