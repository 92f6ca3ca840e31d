package connect_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/moneykit/moneykit-go/connect"
)

func ExampleReturnPage() {
	page, err := connect.ReturnPage(connect.ReturnPageConfig{
		RedirectURI:    "https://app.example/oauth",
		ForwardTargets: []string{"moneyapp://oauth"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /oauth", page)

	// The bank sends the user back with a query that belongs to Connect.
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/oauth?code=1&state=2", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 moneyapp://oauth?code=1&state=2
}

func ExampleAssetLinks() {
	file, err := connect.AssetLinks(connect.AndroidApp{
		PackageName: "com.example.app",
		SHA256Fingerprints: []string{
			"14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+connect.AssetLinksPath, file)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, connect.AssetLinksPath, nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 application/json
}

func ExampleAppleAppSiteAssociation() {
	file, err := connect.AppleAppSiteAssociation("https://app.example/ios/oauth", "ABCDE12345.com.example.app")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+connect.AppleAppSiteAssociationPath, file)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, connect.AppleAppSiteAssociationPath, nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 application/json
}
