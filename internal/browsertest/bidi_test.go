package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// bidi is a connection to a browser over WebDriver BiDi. Its methods may be called concurrently.
type bidi struct {
	conn *websocket.Conn
	done chan struct{} // closed when the connection has ended

	mu    sync.Mutex
	last  int                     // id of a command
	calls map[int]chan bidiAnswer // commands without a response yet
	err   error                   // why the connection has ended
}

// bidiAnswer is the browser's response to a command.
type bidiAnswer struct {
	Type    string // success or error
	Result  json.RawMessage
	Error   string // a code
	Message string
}

// dialBiDi connects to a browser until the test is over. The function hear gets the events, one
// after another.
func dialBiDi(t *testing.T, url string, hear func(event string, params json.RawMessage)) *bidi {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url, nil)
	require.NoError(t, err)
	conn.SetReadLimit(1 << 20)
	b := &bidi{conn: conn, done: make(chan struct{}), calls: map[int]chan bidiAnswer{}}
	go b.read(hear)
	t.Cleanup(func() {
		_ = conn.CloseNow()
		<-b.done
	})
	return b
}

// read reads responses and events until the connection ends.
func (b *bidi) read(hear func(event string, params json.RawMessage)) {
	defer close(b.done)
	for {
		_, data, err := b.conn.Read(context.Background())
		var message struct {
			bidiAnswer
			ID     int
			Method string
			Params json.RawMessage
		}
		if err == nil {
			err = json.Unmarshal(data, &message)
		}
		if err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.err = err
			return
		}
		if message.Type == "event" {
			hear(message.Method, message.Params)
			continue
		}
		b.mu.Lock()
		if call := b.calls[message.ID]; call != nil {
			call <- message.bidiAnswer
		}
		delete(b.calls, message.ID)
		b.mu.Unlock()
	}
}

// call sends a command, waits for the response, and stores the result unless result is nil.
func (b *bidi) call(ctx context.Context, command string, params map[string]any, result any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	call := make(chan bidiAnswer, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.calls[id] = call
	b.mu.Unlock()
	data, err := json.Marshal(map[string]any{"id": id, "method": command, "params": params})
	if err != nil {
		return err
	}
	if err := b.conn.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	select {
	case answer := <-call:
		if answer.Type != "success" {
			return fmt.Errorf("%s: %s: %s", command, answer.Error, answer.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(answer.Result, result)
	case <-b.done:
		return fmt.Errorf("%s: the connection has ended: %w", command, b.err)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", command, ctx.Err())
	}
}
