package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
)

// addressVariable names the environment variable with the URL of the control API.
const addressVariable = "MONEYKIT_SANDBOX_CONTROL"

// client is a subcommand's connection to a running sandbox.
type client struct {
	flags   *flag.FlagSet
	control string
	json    bool
}

func newClient(name string) *client {
	c := &client{flags: flag.NewFlagSet("moneykit-sandbox "+name, flag.ContinueOnError)}
	c.flags.SetOutput(io.Discard)
	c.flags.StringVar(&c.control, "control", cmp.Or(os.Getenv(addressVariable), "http://localhost:8788"),
		"`URL` of the control API; "+addressVariable+" sets another default")
	c.flags.BoolVar(&c.json, "json", false, "print JSON")
	return c
}

// parse reads the flags of a subcommand.
func (c *client) parse(args []string, usage string, stderr io.Writer) error {
	err := c.flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(stderr, usage)
		c.flags.SetOutput(stderr)
		c.flags.PrintDefaults()
		return err
	case err != nil:
		return &usageError{err.Error()}
	case c.flags.NArg() > 0:
		return &usageError{"unexpected argument: " + c.flags.Arg(0)}
	}
	if !strings.Contains(c.control, "://") {
		c.control = "http://" + c.control
	}
	c.control = strings.TrimSuffix(c.control, "/")
	return nil
}

// do sends a request to the control API and returns the response. If the API refuses the request,
// do returns an error.
func (c *client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.control+"/control/"+path, body) //nolint:gosec // the user names it
	if err != nil {
		return nil, &usageError{"-control must be a URL such as http://localhost:8788"}
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(r) //nolint:gosec // the user names it
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("there is no sandbox at %s: start moneykit-sandbox, or set another URL with -control", c.control)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }() // the response is read already
	var refusal struct {
		Message string `json:"error_message"`
	}
	if json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&refusal) != nil || refusal.Message == "" {
		return nil, fmt.Errorf("%s is not a control API: the response is %s", c.control, response.Status)
	}
	return nil, errors.New(plain(refusal.Message))
}

// callVerb runs the subcommand of a verb.
func callVerb(ctx context.Context, v control.Verb, args []string, stdout, stderr io.Writer) error {
	c := newClient(v.Name)
	params := map[string]any{}
	addFlags(c.flags, params, control.Fields(v.Params))
	usage := fmt.Sprintf("%s.\n\n  moneykit-sandbox %s %s\n", v.Summary, v.Name, v.Example)
	if err := c.parse(args, usage, stderr); err != nil {
		return err
	}
	for _, f := range control.Fields(v.Params) {
		if f.Required && params[f.Name] == nil {
			return &usageError{v.Name + " needs -" + f.Flag}
		}
	}
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	response, err := c.do(ctx, http.MethodPost, v.Name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return c.print(response.Body, columnsOf(v), stdout)
}

// columnsOf returns the table columns for the result of a verb: those of the list whose items have
// the same type.
func columnsOf(v control.Verb) []string {
	for _, l := range control.Lists() {
		if l.Result == v.Result || l.Result.Kind() == reflect.Slice && l.Result.Elem() == v.Result {
			return l.Columns
		}
	}
	return nil
}

// addFlags adds flags that set members of params. If a member is an object, its members get their
// own flags.
func addFlags(set *flag.FlagSet, params map[string]any, fields []control.Field) {
	for _, f := range fields {
		if set.Lookup(f.Flag) != nil {
			continue // an outer member has the flag already
		}
		kind := f.Type.Kind()
		text := reflect.PointerTo(f.Type).Implements(reflect.TypeFor[interface{ UnmarshalText(b []byte) error }]())
		switch {
		case kind == reflect.Bool:
			set.BoolFunc(f.Flag, f.Help, func(s string) error {
				on, err := strconv.ParseBool(s)
				params[f.Name] = on
				return err
			})
		case kind == reflect.String, text, f.Type.String() == "time.Duration":
			set.Func(f.Flag, f.Help, func(s string) error {
				params[f.Name] = s
				return nil
			})
		case kind == reflect.Slice && f.Type.Elem().Kind() == reflect.String:
			set.Func(f.Flag, strings.TrimPrefix(f.Help+"; separated by commas", "; "), func(s string) error {
				params[f.Name] = append([]string{}, words(s)...)
				return nil
			})
		default:
			set.Func(f.Flag, strings.TrimPrefix(f.Help+"; JSON, or @ and the name of a JSON file", "; "), func(s string) error {
				return setJSON(params, f.Name, s)
			})
		}
		if kind == reflect.Struct && !text {
			inner := map[string]any{}
			addFlags(set, inner, control.Fields(f.Type))
			params[f.Name] = inner
		}
	}
}

// setJSON sets a member to a JSON text, or to the content of a JSON file.
func setJSON(params map[string]any, name, text string) error {
	data := []byte(text)
	if file, ok := strings.CutPrefix(text, "@"); ok {
		var err error
		if data, err = os.ReadFile(file); err != nil { //nolint:gosec // the user names it
			return err
		}
	}
	if inner, ok := params[name].(map[string]any); ok { // other flags may set its members, too
		return json.Unmarshal(data, &inner)
	}
	if !json.Valid(data) {
		return errors.New("not valid JSON")
	}
	params[name] = json.RawMessage(data)
	return nil
}

// readList runs the subcommand that prints a list.
func readList(ctx context.Context, l control.List, args []string, stdout, stderr io.Writer) error {
	c := newClient(l.Name)
	if err := c.parse(args, fmt.Sprintf("Print %s.\n", l.Summary), stderr); err != nil {
		return err
	}
	response, err := c.do(ctx, http.MethodGet, l.Name, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return c.print(response.Body, l.Columns, stdout)
}

// print prints a JSON response as JSON or as a table.
func (c *client) print(body io.Reader, columns []string, stdout io.Writer) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("the response is incomplete: %w", err)
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return fmt.Errorf("the response is not JSON: %w", err)
	}
	if c.json {
		var out bytes.Buffer
		_ = json.Indent(&out, data, "", "  ") // it was decoded before
		_, err := stdout.Write(out.Bytes())
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	switch v := value.(type) {
	case []any:
		printRows(table, v, columns)
	case map[string]any:
		if len(columns) > 0 {
			printRows(table, []any{v}, columns)
			break
		}
		printMembers(table, v)
	}
	return table.Flush()
}

func printRows(w io.Writer, rows []any, columns []string) {
	if len(columns) > 0 {
		fmt.Fprintln(w, strings.ToUpper(strings.ReplaceAll(strings.Join(columns, "\t"), "_", " ")))
	}
	for _, row := range rows {
		item, ok := row.(map[string]any)
		if !ok {
			fmt.Fprintln(w, cell(row))
			continue
		}
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = cell(item[column])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
}

func printMembers(w io.Writer, members map[string]any) {
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "%s\t%s\n", name, cell(members[name]))
	}
}

// cell returns a value as the text of a table cell.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return plain(v)
	case json.Number:
		return v.String()
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "" // cannot happen: it was decoded from JSON
	}
	return plain(string(data))
}
