package main

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var container = flag.Bool("container", false, "build and run the program as the Dockerfile says, without Docker")

// dockerfile returns the arguments of the instructions of the Dockerfile with this name.
func dockerfile(t *testing.T, instruction string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile(`(?m)^`+instruction+` (.*)$`).FindAllStringSubmatch(string(text), -1) {
		lines = append(lines, found[1])
	}
	require.NotEmpty(t, lines, instruction)
	return lines
}

// list returns the elements of the JSON list at the end of a line of the Dockerfile.
func list(t *testing.T, line string) (words []string) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(line[strings.Index(line, "["):]), &words))
	return words
}

// TestContainer checks the Dockerfile. With the flag -container, it also runs the RUN lines in a
// clean clone, and then the program with an empty environment. If the test has the permission, the
// program runs as the USER of the Dockerfile, in a folder with nothing else.
func TestContainer(t *testing.T) {
	entrypoint, health := list(t, dockerfile(t, "ENTRYPOINT")[0]), list(t, dockerfile(t, "HEALTHCHECK")[0])
	o, err := parse(entrypoint[1:], io.Discard)
	require.NoError(t, err)
	ports := strings.TrimPrefix(o.listen, ":") + " " + strings.TrimPrefix(o.control, ":")
	assert.Equal(t, []string{ports}, dockerfile(t, "EXPOSE"), "the ports that the program listens on")
	assert.Equal(t, "8787 8788", ports)
	user, group, ok := strings.Cut(dockerfile(t, "USER")[0], ":")
	require.True(t, ok)
	uid, err := strconv.Atoi(user)
	require.NoError(t, err)
	gid, err := strconv.Atoi(group)
	require.NoError(t, err)
	assert.Positive(t, uid, "not root")
	assert.Equal(t, "scratch", dockerfile(t, "FROM")[1])
	assert.Contains(t, dockerfile(t, "COPY"), "--from=build /out/moneykit-sandbox "+entrypoint[0])
	if *container {
		program := buildContainer(t, entrypoint[0])
		runContainer(t, program, entrypoint, health, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)})
	}
}

// buildContainer runs the RUN lines and returns the path of the program.
func buildContainer(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	clone := exec.CommandContext(t.Context(), "git", "clone", "--quiet", filepath.Join("..", ".."), filepath.Join(dir, "src"))
	out, err := clone.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, line := range dockerfile(t, "RUN") {
		build := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "/out/", dir+"/root/"))
		build.Dir = filepath.Join(dir, "src")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s: %s", line, out)
	}
	program := filepath.Join(dir, "root", name)
	file, err := elf.Open(program)
	require.NoError(t, err)
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries, "the program is static")
	return program
}

// runContainer starts the program and runs its health check.
func runContainer(t *testing.T, program string, entrypoint, health []string, user *syscall.Credential) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755)) // readable for the USER
	require.NoError(t, os.Rename(program, filepath.Join(root, entrypoint[0])))
	attributes := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		attributes.Chroot, attributes.Credential = root, user
	} else {
		entrypoint[0] = filepath.Join(root, entrypoint[0])
	}
	inside := func(args ...string) *exec.Cmd {
		command := exec.CommandContext(t.Context(), entrypoint[0], args...)
		command.Dir, command.Env, command.SysProcAttr = "/", []string{}, attributes
		return command
	}
	server := inside(append(entrypoint[1:], "-listen", ":0", "-control", ":0", "-control-hosts", "sandbox")...)
	stdout, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	defer func() {
		require.NoError(t, server.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, server.Wait())
	}()
	var control string
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != "ready"; {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "Control" {
			control = strings.TrimSuffix(words[1], ",")
		}
	}
	require.NotEmpty(t, control, "the program does not start")
	port := control[strings.LastIndex(control, ":"):]
	out, err := inside(append(health[1:len(health)-1], "127.0.0.1"+port)...).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "client_secret")
	for host, want := range map[string]int{"sandbox:8788": 200, "localhost:8788": 200, "other:8788": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, control+"/control/state", nil)
		require.NoError(t, err)
		r.Host = host
		status, _ := send(t, http.DefaultClient, r)
		assert.Equal(t, want, status, host)
	}
}
