// Package openapi holds the OpenAPI document of the MoneyKit API and turns it into Go: the public
// types in types.gen.go, the request builders in requests.gen.go, and from the types the decoders
// of responses in decode.gen.go, all of package moneykit; and the rate limits in limits.gen.go of
// package ratelimit. The document is the only place where the wire format is written down.
package openapi

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config types.yaml openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config requests.yaml openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config limits.yaml openapi.yaml
//go:generate go run ./decoders -dir ../..
