package main

import (
	"errors"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// bundle returns the page's script, including the npm package. The browser loads connect.js from
// the application, which serves the version that its endpoints need.
func bundle(modules string) ([]byte, error) {
	source, err := files.ReadFile("assets/app.js")
	if err != nil {
		return nil, err
	}
	return bundleScript(string(source), modules)
}

func bundleScript(source, modules string) ([]byte, error) {
	built := api.Build(api.BuildOptions{
		Stdin:    &api.StdinOptions{Contents: source, Sourcefile: "app.js", ResolveDir: modules},
		Bundle:   true,
		Format:   api.FormatESModule,
		Target:   api.ES2022,
		Charset:  api.CharsetUTF8,
		External: []string{"/connect/connect.js"},

		NodePaths:        []string{modules},
		MinifySyntax:     true,
		MinifyWhitespace: true,
	})
	if len(built.Errors) > 0 {
		texts := api.FormatMessages(built.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, errors.New("the page's script could not be built:\n" + strings.TrimSpace(strings.Join(texts, "")))
	}
	if len(built.OutputFiles) != 1 {
		return nil, errors.New("the page's script could not be built: esbuild returned no file")
	}
	return built.OutputFiles[0].Contents, nil
}
