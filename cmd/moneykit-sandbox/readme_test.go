//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/docs"
)

// TestReadme runs the commands of the README with only curl and sed. It then checks that the test
// fails if any of the commands is missing or wrong.
func TestReadme(t *testing.T) {
	t.Parallel()
	block := readmeBlock(t)
	commands := strings.Split(strings.TrimSpace(block), "\n\n")
	require.Len(t, commands, 6)

	s := start(t)
	require.NoError(t, s.runReadme(block))

	broken := map[string]string{
		"another secret":      strings.Replace(block, "sandbox_client_secret", "another", 1),
		"another grant":       strings.Replace(block, "client_credentials", "password", 1),
		"no user":             strings.Replace(block, `"customer_user"`, `"user"`, 1),
		"another name":        strings.Replace(block, `\"exchangeable_token\"`, `\"token\"`, 1),
		"another path":        strings.Replace(block, "/exchange-token", "/exchange", 1),
		"no media type":       strings.ReplaceAll(block, " -H 'Content-Type: application/json'", ""),
		"another member":      strings.Replace(block, `"link_id"`, `"links"`, 1),
		"a program like jq":   strings.Replace(block, "sed 's/.*\"access", "jq 's/.*\"access", 1),
		"an unclosed quote":   block + `"`,
		"accounts only":       strings.Join(commands[:5], "\n"),
		"transactions of all": strings.Replace(block, "/transactions", "", 1),
	}
	for i := range commands {
		broken["without "+commands[i]] = strings.Join(slices.Delete(slices.Clone(commands), i, i+1), "\n")
	}
	for name, text := range broken {
		require.NotEqual(t, block, text, name)
		assert.Error(t, s.runReadme(text), name)
	}
}

// readmeBlock returns the commands of the README.
func readmeBlock(t *testing.T) string {
	t.Helper()
	blocks, err := docs.Blocks(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	for _, block := range blocks {
		if block.Lang == "sh" && block.Kind == "six" {
			return block.Text
		}
	}
	require.Fail(t, "the README has no block sh six")
	return ""
}

// runReadme runs the commands of the README in a shell with only curl and sed in its path. It
// returns an error unless the last two commands print accounts and transactions of a link.
func (s *program) runReadme(block string) error {
	script := strings.NewReplacer("http://localhost:8787", s.info.API, "http://localhost:8788", s.info.Control).Replace(block)
	sh, err := exec.LookPath("sh")
	if err != nil {
		return err
	}
	dir := s.t.TempDir()
	for _, name := range []string{"curl", "sed"} {
		path, err := exec.LookPath(name)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	command := exec.CommandContext(s.t.Context(), sh, "-c", script)
	command.Dir, command.Env = dir, []string{"PATH=" + dir}
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	var page struct {
		Link struct {
			LinkID string `json:"link_id"`
		}
		Accounts []struct {
			AccountID string `json:"account_id"`
		}
	}
	var list struct {
		Link struct {
			LinkID string `json:"link_id"`
		}
		Transactions []struct {
			TransactionID string `json:"transaction_id"`
		}
	}
	outputs := json.NewDecoder(strings.NewReader(string(out)))
	if err := errors.Join(outputs.Decode(&page), outputs.Decode(&list)); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	switch {
	case len(page.Accounts) == 0 || page.Accounts[0].AccountID == "":
		return fmt.Errorf("the first output has no account: %s", out)
	case len(list.Transactions) != 3 || list.Transactions[0].TransactionID == "":
		return fmt.Errorf("the second output has no page of transactions: %s", out)
	case !strings.HasPrefix(page.Link.LinkID, "mk_") || page.Link.LinkID != list.Link.LinkID:
		return fmt.Errorf("the outputs have no link id: %s", out)
	}
	return nil
}
