package connect_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/moneykit/moneykit-go/connect"
)

// get returns the response of a handler to a GET request.
func get(handler http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil)) //nolint:noctx // an example
	return w
}

// A handler serves this page by itself. Serve it separately to forward returns to an app that
// cannot open universal links.
func ExampleReturnPage() {
	page, err := connect.ReturnPage(connect.ReturnPageConfig{
		RedirectURI:    "https://app.example/ios/oauth",
		ForwardTargets: []string{"moneyapp://oauth"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ios/oauth", page)

	w := get(mux, "https://app.example/ios/oauth?state=abc")
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 moneyapp://oauth?state=abc
}

func ExampleAppleAppSiteAssociation() {
	file, err := connect.AppleAppSiteAssociation("https://app.example/ios", "ABCDE12345.com.example")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(connect.AppleAppSiteAssociationPath, file)

	fmt.Println(get(mux, "https://app.example/.well-known/apple-app-site-association").Body)
	// Output:
	// {"applinks":{"details":[{"appIDs":["ABCDE12345.com.example"],"components":[{"/":"/ios"}]}]}}
}

func ExampleAssetLinks() {
	file, err := connect.AssetLinks(connect.AndroidApp{
		PackageName: "com.example.app",
		SHA256Fingerprints: []string{ // from keytool or the Play Console
			"0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9:0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(connect.AssetLinksPath, file)

	w := get(mux, "https://app.example/.well-known/assetlinks.json")
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 application/json
}
