package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The programs that build compares. Each fetches a link and prints its state.
const (
	sdkProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moneykit/moneykit-go"
)

func main() {
	client, err := moneykit.NewClientFromEnv()
	if err != nil {
		panic(err)
	}
	link, err := client.Links.Get(context.Background(), os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println(link.State)
}
`
	stockProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moneykit/moneykit-go/internal/bench/stock"
)

func main() {
	client, err := stock.NewClientWithResponses(os.Getenv("MONEYKIT_BASE_URL"))
	if err != nil {
		panic(err)
	}
	answer, err := client.GetLinkWithResponse(context.Background(), os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.JSON200.State)
}
`
	handProgram = `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	resp, err := http.Get(os.Getenv("MONEYKIT_BASE_URL") + "/links/" + os.Args[1])
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var link struct{ State string }
	if err := json.NewDecoder(resp.Body).Decode(&link); err != nil {
		panic(err)
	}
	fmt.Println(link.State)
}
`
	stockConfig = `package: stock
output: %s
generate: {models: true, client: true}
output-options: {skip-prune: true, response-type-suffix: Answer}
`
)

// build compares a program that uses the SDK with one that uses the client that oapi-codegen
// generates from the same document. It writes no files into the module: go build -overlay adds
// them.
func build(ctx context.Context, _ config) ([]row, error) {
	dir, err := os.MkdirTemp("", "moneykit-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // The system also cleans up temporary files.
	b := builder{dir: dir, replace: map[string]string{}}
	if b.root, err = os.Getwd(); err != nil {
		return nil, err
	}
	if err := b.generate(ctx); err != nil {
		return nil, err
	}
	built := map[string]program{}
	for _, p := range []struct{ name, source string }{{"hand", handProgram}, {"sdk", sdkProgram}, {"stock", stockProgram}} {
		if built[p.name], err = b.build(ctx, p.name, p.source); err != nil {
			return nil, err
		}
	}
	hand, sdk, stock := built["hand"], built["sdk"], built["stock"]
	mib := func(size int64) string { return figure(float64(size)/(1<<20)) + " MiB" }
	return []row{
		{
			name: "program with the SDK / stock client, size", sdk: mib(sdk.size), hand: mib(stock.size),
			value: float64(sdk.size) / float64(stock.size), goal: 1.15, bound: 1.30,
		},
		{
			name: "the same, beyond net/http alone", sdk: mib(sdk.size - hand.size), hand: mib(stock.size - hand.size),
			value: float64(sdk.size-hand.size) / float64(stock.size-hand.size),
		},
		{
			name: "cold build with the SDK / stock client", sdk: duration(sdk.cpu), hand: duration(stock.cpu),
			value: float64(sdk.cpu) / float64(stock.cpu), goal: 1.15, bound: 1.50,
		},
		{
			name: "the same, beyond net/http alone", sdk: duration(sdk.cpu - hand.cpu), hand: duration(stock.cpu - hand.cpu),
			value: float64(sdk.cpu-hand.cpu) / float64(stock.cpu-hand.cpu),
		},
	}, nil
}

type builder struct {
	root, dir string
	replace   map[string]string // the overlay: paths in the module, and the files that replace them
}

// program is the result of a build.
type program struct {
	size int64
	cpu  time.Duration // processor time of the build
}

// generate writes the stock client. It cannot use this module's types, so generate removes the
// document's Go names.
func (b *builder) generate(ctx context.Context) error {
	document, err := os.ReadFile(filepath.Join(b.root, "internal/openapi/openapi.yaml"))
	if err != nil {
		return err
	}
	document = regexp.MustCompile(`(?m)^\s*x-(go-[a-z-]+|omitzero|order):.*\n`).ReplaceAll(document, nil)
	if err := b.write("openapi.yaml", string(document)); err != nil {
		return err
	}
	if err := b.write("config.yaml", fmt.Sprintf(stockConfig, strconv.Quote(filepath.Join(b.dir, "client.go")))); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile="+filepath.Join(b.root, "internal/tools/go.mod"), //nolint:gosec // of this module
		"oapi-codegen", "-config", filepath.Join(b.dir, "config.yaml"), filepath.Join(b.dir, "openapi.yaml"))
	cmd.Dir = b.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("oapi-codegen: %w\n%s", err, out)
	}
	return nil
}

func (b *builder) write(name, text string) error {
	return os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600) //nolint:gosec // The names are ours.
}

// build builds a program with an empty cache.
func (b *builder) build(ctx context.Context, name, source string) (p program, err error) {
	if err := b.write(name+".go", source); err != nil {
		return p, err
	}
	at := func(parts ...string) string {
		return filepath.Join(append([]string{b.root, "internal/bench"}, parts...)...)
	}
	b.replace[at(name+"program", "main.go")] = filepath.Join(b.dir, name+".go")
	b.replace[at("stock", "client.go")] = filepath.Join(b.dir, "client.go")
	overlay, err := json.Marshal(map[string]any{"Replace": b.replace})
	if err != nil {
		return p, err
	}
	if err := b.write("overlay.json", string(overlay)); err != nil {
		return p, err
	}
	var said bytes.Buffer
	binary, cache := filepath.Join(b.dir, name), filepath.Join(b.dir, "cache-"+name)
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", filepath.Join(b.dir, "overlay.json"), //nolint:gosec // of this module
		"-o", binary, "./internal/bench/"+name+"program")
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.root, &said, &said
	cmd.Env = append(os.Environ(), "GOCACHE="+cache, "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return p, fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(said.String()))
	}
	info, err := os.Stat(binary)
	if err != nil {
		return p, err
	}
	p = program{size: info.Size(), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	return p, os.RemoveAll(cache)
}
