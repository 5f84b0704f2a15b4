package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "go.mod"))
	return dir
}

// goCommand runs the go command in a folder and returns what it printed.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=auto", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), out)
	return string(out)
}

// TestReadmeProgramInAModuleOfItsOwn: what a newcomer copies compiles outside of
// this tree, against nothing but what the library exports.
func TestReadmeProgramInAModuleOfItsOwn(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	require.NoError(t, err)
	program := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindSubmatch(readme)
	require.NotNil(t, program, "README.md has a whole program")

	dir := t.TempDir()
	write := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	write("main.go", program[1])
	write("go.mod", moduleFile(t))
	sums, err := os.ReadFile(filepath.Join(root(t), "go.sum"))
	require.NoError(t, err)
	write("go.sum", sums)
	goCommand(t, dir, "mod", "tidy") // as its author would; the cache has it all
	goCommand(t, dir, "vet", ".")
	goCommand(t, dir, "build", "-o", filepath.Join(dir, "wordcount"), ".")
}

// moduleFile is ours under another name, with the library in place of itself.
func moduleFile(t *testing.T) []byte {
	t.Helper()
	own, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	require.NoError(t, err)
	const library = "github.com/millrace/millrace"
	text := strings.Replace(string(own), "module "+library+"\n", "module example.org/wordcount\n", 1)
	text += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %s\n", library, library, root(t))
	return []byte(text)
}
