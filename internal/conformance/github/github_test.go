// Package github tests the files of the folder .github: they are YAML of the right form, and they
// agree with .ci/run and with the folders of the repository.
package github

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const root = "../../.."

// workflow is the part of a workflow that the tests read.
type workflow struct {
	On          map[string]any    `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group string `yaml:"group"`
	} `yaml:"concurrency"`
	Env  map[string]string `yaml:"env"`
	Jobs map[string]struct {
		Container   string            `yaml:"container"`
		Permissions map[string]string `yaml:"permissions"`
		Timeout     int               `yaml:"timeout-minutes"`
		Strategy    struct {
			Matrix map[string][]string `yaml:"matrix"`
		} `yaml:"strategy"`
		Steps []struct {
			Uses string         `yaml:"uses"`
			Run  string         `yaml:"run"`
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

// read decodes a file of .github.
func read[T any](t *testing.T, name string) (value T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".github", name))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &value), name)
	return value
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]workflow{}
	for _, file := range files {
		name := filepath.Base(file)
		all[name] = read[workflow](t, "workflows/"+name)
	}
	return all
}

// steps returns the names of the steps of .ci/run.
func steps(t *testing.T) (names []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "run"), "help").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		names = append(names, strings.Fields(line)[0])
	}
	require.Contains(t, names, "test")
	return names
}

// TestWorkflowSteps compares the steps of the workflows with those of .ci/run. A workflow runs
// nothing else, so a local run checks the same.
func TestWorkflowSteps(t *testing.T) {
	t.Parallel()
	known, used := steps(t), []string{}
	for name, w := range workflows(t) {
		for id, job := range w.Jobs {
			for _, step := range job.Steps {
				if step.Run == "" {
					continue
				}
				words, ok := strings.CutPrefix(step.Run, ".ci/run ")
				if !assert.True(t, ok, "%s: the job %s runs %q and not .ci/run", name, id, step.Run) {
					continue
				}
				for word := range strings.FieldsSeq(words) {
					assert.Contains(t, known, word, "%s: the job %s", name, id)
					used = append(used, word)
				}
			}
		}
	}
	for _, name := range known {
		assert.Contains(t, used, name, "no workflow has the step")
	}
}

// TestWorkflowSafety checks that the workflows have minimal permissions, pinned actions and
// timeouts.
func TestWorkflowSafety(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`)
	for name, w := range workflows(t) {
		assert.Equal(t, map[string]string{"contents": "read"}, w.Permissions, name)
		assert.NotEmpty(t, w.Concurrency.Group, name)
		assert.Equal(t, "local", w.Env["GOTOOLCHAIN"], "%s: another release of Go than a job names would be fetched", name)
		assert.NotContains(t, w.On, "pull_request_target", "%s: it runs code of strangers with the rights of the repository", name)
		for id, job := range w.Jobs {
			assert.Empty(t, job.Permissions, "%s: %s", name, id)
			assert.Positive(t, job.Timeout, "%s: %s", name, id)
			require.NotEmpty(t, job.Steps, "%s: %s", name, id)
			for _, step := range job.Steps {
				if step.Uses == "" {
					continue
				}
				assert.Regexp(t, pinned, step.Uses, "%s: %s", name, id)
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], "%s: %s", name, id)
				}
			}
		}
	}
}

// TestWorkflowGo compares the releases of Go with go.mod.
func TestWorkflowGo(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	oldest := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(mod))
	require.NotNil(t, oldest)
	assert.Equal(t, []string{oldest[1], "oldstable", "stable"}, workflows(t)["ci.yml"].Jobs["test"].Strategy.Matrix["go"])
}

// TestNightly checks that the steps that changes do not run have a schedule.
func TestNightly(t *testing.T) {
	t.Parallel()
	nightly := workflows(t)["nightly.yml"]
	assert.Contains(t, nightly.On, "schedule")
	var run []string
	for _, job := range nightly.Jobs {
		for _, step := range job.Steps {
			run = append(run, strings.Fields(step.Run)...)
		}
	}
	for _, step := range []string{"fuzz", "long", "vuln"} {
		assert.Contains(t, run, step)
	}
}

// TestDependabot compares the folders in dependabot.yml with the folders that have a file of
// dependencies.
func TestDependabot(t *testing.T) {
	t.Parallel()
	config := read[struct {
		Version int `yaml:"version"`
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directory   string   `yaml:"directory"`
			Directories []string `yaml:"directories"`
			Schedule    struct {
				Interval string `yaml:"interval"`
			} `yaml:"schedule"`
		} `yaml:"updates"`
	}](t, "dependabot.yml")
	assert.Equal(t, 2, config.Version)
	got := map[string][]string{}
	for _, update := range config.Updates {
		assert.NotEmpty(t, update.Schedule.Interval, update.Ecosystem)
		dirs := update.Directories
		if update.Directory != "" {
			dirs = append(dirs, update.Directory)
		}
		got[update.Ecosystem] = append(got[update.Ecosystem], dirs...)
		slices.Sort(got[update.Ecosystem])
	}
	assert.Equal(t, map[string][]string{
		"gomod":          folders(t, "go.mod"),
		"npm":            folders(t, "package.json"),
		"docker":         folders(t, "Dockerfile"),
		"github-actions": {"/"},
	}, got)
}

// folders returns the folders of the repository with a file of this name, in the form of
// dependabot.yml.
func folders(t *testing.T, file string) (dirs []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", file, "*/"+file).Output()
	require.NoError(t, err)
	for name := range strings.Lines(string(out)) {
		dir := filepath.ToSlash(filepath.Dir(strings.TrimSpace(name)))
		dirs = append(dirs, "/"+strings.TrimPrefix(dir, "."))
	}
	slices.Sort(dirs)
	return dirs
}

// TestIssueForms checks the rules of GitHub for forms: unique IDs, labels, and choices for each
// dropdown.
func TestIssueForms(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bug.yml", "feature.yml"} {
		form := read[struct {
			Name        string `yaml:"name"`
			Description string `yaml:"description"`
			Body        []struct {
				Type       string `yaml:"type"`
				ID         string `yaml:"id"`
				Attributes struct {
					Label   string   `yaml:"label"`
					Value   string   `yaml:"value"`
					Options []string `yaml:"options"`
				} `yaml:"attributes"`
			} `yaml:"body"`
		}](t, "ISSUE_TEMPLATE/"+name)
		assert.NotEmpty(t, form.Name, name)
		assert.NotEmpty(t, form.Description, name)
		ids := map[string]bool{}
		for _, part := range form.Body {
			if part.Type == "markdown" {
				assert.NotEmpty(t, part.Attributes.Value, name)
				continue
			}
			assert.Contains(t, []string{"input", "textarea", "dropdown", "checkboxes"}, part.Type, name)
			assert.NotEmpty(t, part.Attributes.Label, "%s: %s", name, part.ID)
			assert.Equal(t, part.Type == "dropdown" || part.Type == "checkboxes", len(part.Attributes.Options) > 0, "%s: %s", name, part.ID)
			assert.False(t, ids[part.ID], "%s has %s twice", name, part.ID)
			ids[part.ID] = true
		}
		assert.NotEmpty(t, ids, name)
	}
	links := read[struct {
		Links []map[string]string `yaml:"contact_links"`
	}](t, "ISSUE_TEMPLATE/config.yml").Links
	require.Len(t, links, 1)
	for _, member := range []string{"name", "url", "about"} {
		assert.NotEmpty(t, links[0][member])
	}
}

func TestPullRequestTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, ".github", "pull_request_template.md"))
	require.NoError(t, err)
	for _, want := range []string{".ci/run", "CHANGELOG.md", "api"} {
		assert.Contains(t, string(text), "`"+want+"`")
	}
}
