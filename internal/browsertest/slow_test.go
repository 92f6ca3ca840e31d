package browsertest

import (
	"errors"
	"flag"
	"net/http"
	"path"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

var slow = flag.Float64("slow", 1, "how many times slower pages run in Chromium; from 2 on, scripts arrive late, too")

// lateness is the delay of scripts with the flag slow.
func lateness() time.Duration {
	if *slow <= 1 {
		return 0
	}
	return time.Duration(*slow * float64(150*time.Millisecond))
}

// slowDown makes a page slow, and delays the scripts that it loads from now on, if the flag is set.
func (b tab) slowDown() error {
	if *slow <= 1 {
		return nil
	}
	_, cpu := chromedp.Call(b.ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: *slow})
	_, scripts := chromedp.Call(b.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{
			URLPattern: "*://*:*/*.js", Latency: float64(lateness().Milliseconds()), DownloadThroughput: -1, UploadThroughput: -1,
		}},
	})
	return errors.Join(cpu, scripts)
}

// late delays scripts if the flag is set. Frames and windows load some scripts before a test can
// slow them down.
func late(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Ext(r.URL.Path) == ".js" {
			timer := time.NewTimer(lateness())
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}
