package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// maxEvent is the length of the longest accepted line of the endpoint events.
const maxEvent = 16 << 20

// follow prints deliveries (listen) or requests (tail) until ctx ends.
func follow(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	c := newClient(name)
	what, usage := "request", "Print requests as they arrive, without secrets."
	if name == "listen" {
		what, usage = "delivery", "Print webhooks as they are queued and sent."
	}
	if err := c.parse(args, usage+"\n", stderr); err != nil {
		return err
	}
	response, err := c.do(ctx, http.MethodGet, "events", nil)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxEvent)
	event := ""
	for lines.Scan() {
		if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = kind
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || event != what {
			continue
		}
		if err := c.printEvent(stdout, what, data); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return stopped(ctx, fmt.Errorf("the connection to the sandbox ended: %w", err))
	}
	return stopped(ctx, errors.New("the connection to the sandbox ended"))
}

// stopped returns nil if the program was interrupted, else err.
func stopped(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

func (c *client) printEvent(stdout io.Writer, what, data string) error {
	line := data
	if !c.json {
		var err error
		if line, err = lineOf(what, []byte(data)); err != nil {
			return fmt.Errorf("the sandbox sent an invalid %s: %w", what, err)
		}
	}
	_, err := fmt.Fprintln(stdout, line)
	return err
}

// lineOf formats a request or a delivery as a line.
func lineOf(what string, data []byte) (string, error) {
	if what == "delivery" {
		var d moneykittest.Delivery
		if err := json.Unmarshal(data, &d); err != nil {
			return "", err
		}
		return plain(deliveryLine(d)), nil
	}
	var event control.Request
	if err := json.Unmarshal(data, &event); err != nil {
		return "", err
	}
	r := event.Request
	path := r.Path
	if len(r.Query) > 0 {
		path += "?" + r.Query.Encode()
	}
	status := "no response"
	if r.Status != 0 {
		status = strconv.Itoa(r.Status)
	}
	line := fmt.Sprintf("%s  %s  %s %s", r.At.Format(time.TimeOnly), status, r.Method, path)
	if len(r.Body) > 0 {
		line += "  " + string(r.Body)
	}
	if event.Refusal != "" {
		line += "  refused: " + event.Refusal
	}
	return plain(line), nil
}

func deliveryLine(d moneykittest.Delivery) string {
	line := fmt.Sprintf("%s  %s  link %s  to %s", d.QueuedAt.Format(time.TimeOnly), d.Event, d.LinkID, d.URL)
	if n := len(d.Attempts); n > 0 {
		last := d.Attempts[n-1]
		for n > 1 && last.Status == 0 && last.Err == nil { // the last attempt has not ended
			n--
			last = d.Attempts[n-1]
		}
		line = fmt.Sprintf("%s  %s  link %s  to %s  attempt %d: ", last.At.Format(time.TimeOnly), d.Event, d.LinkID, d.URL, n)
		if last.Err != nil {
			line += last.Err.Error()
		} else {
			line += fmt.Sprint(last.Status)
		}
	}
	line += "  " + string(d.State)
	if !d.Next.IsZero() && len(d.Attempts) > 0 {
		line += ", again at " + d.Next.Format(time.TimeOnly)
	}
	return line
}
