package linkworkflow

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/docs"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestLink runs the workflow in Temporal's test environment, against the sandbox.
func TestLink(t *testing.T) {
	server := moneykittest.NewServer(t)
	link := server.AddLink(moneykittest.LinkSpec{})
	var store moneykittest.MemoryStore
	activities := &Activities{Client: server.Client(), Store: &store}

	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(activities)
	syncs := 0
	env.OnActivity("Sync", mock.Anything, link.ID).Return(func(ctx context.Context, linkID string) error {
		if syncs++; syncs == 1 {
			for range 3 { // while the first sync runs
				env.SignalWorkflow("event", nil)
			}
		}
		return activities.Sync(ctx, linkID)
	})
	env.RegisterDelayedCallback(func() {
		for range 5 {
			env.SignalWorkflow("event", nil)
		}
	}, time.Minute)
	env.RegisterDelayedCallback(func() {
		assert.Equal(t, 2, syncs, "one for the five events, and one for those that came during it")
		assert.NotEmpty(t, store.Transactions(link.ID))
		server.Break(link.ID, moneykit.LinkErrorAuthExpired)
		env.SignalWorkflow("event", nil)
	}, time.Hour)
	env.RegisterDelayedCallback(func() {
		assert.Equal(t, 3, syncs, "a link that must be relinked is not retried")
		require.NoError(t, activities.Client.Links.Delete(context.Background(), link.ID))
	}, 2*time.Hour)
	env.ExecuteWorkflow(Link, link.ID)

	require.True(t, env.IsWorkflowCompleted())
	require.NoError(t, env.GetWorkflowError())
	assert.Equal(t, 4, syncs, "the last one without an event, a day later, finds that the link is gone")
}

// TestDocs compares docs/growing.md to the code in this package.
func TestDocs(t *testing.T) {
	source, err := os.ReadFile("link_test.go")
	require.NoError(t, err)
	_, body, _ := strings.Cut(string(source), "// Link keeps")
	blocks, err := docs.Blocks("../../../docs/growing.md")
	require.NoError(t, err)
	found := false
	for _, block := range blocks {
		if strings.Contains(block.Text, "workflow.Context") {
			found = true
			assert.Equal(t, strings.TrimSpace("// Link keeps"+body), strings.TrimSpace(block.Text))
		}
	}
	assert.True(t, found)
}
