package inference

// A server that others wrote (tools/upstreamref) as upstream: its answers come through, whole and in pieces, and are marked as what nobody can check.

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// foreign starts the server and gives its URL.
func foreign(t *testing.T) string {
	t.Helper()
	node := testutil.Tool(t, "node", "nodejs")
	main := filepath.Join(testutil.Root(t), "tools", "upstreamref", "node_modules", "@dwmkerr", "mock-llm", "dist", "main.js")
	if _, err := os.Stat(main); err != nil {
		testutil.Skip(t, "needs another server: npm ci --ignore-scripts --prefix tools/upstreamref")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	free.Close()
	run := exec.CommandContext(t.Context(), node, main)
	run.Env, run.Dir = append(os.Environ(), "HOST=127.0.0.1", "PORT="+port), t.TempDir()
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "running on") {
			return "http://127.0.0.1:" + port
		}
	}
	t.Fatal("the server ended before it ran")
	return ""
}

func TestUpstreamOfAnotherKind(t *testing.T) {
	s, _ := serveUpstream(t, UpstreamOptions{Name: "far", URL: foreign(t), Model: "gpt-4"}, nil)
	const talk = `"model":"far","messages":[{"role":"user","content":"an echo, please"}]`
	status, head, b := s.post("/v1/chat/completions", `{`+talk+`}`)
	var whole reply
	if err := json.Unmarshal(b, &whole); err != nil || status != 200 || head.Get(classHeader) != classTolerant || len(whole.Choices) != 1 {
		t.Fatalf("%d %v %s", status, head, b)
	}
	if *whole.Choices[0].Message.Content != "an echo, please" {
		t.Errorf("%s", b)
	}
	if text, _, _ := told(s.stream("/v1/chat/completions", `{`+talk+`,"stream":true}`)); text != "an echo, please" {
		t.Errorf("in pieces %q", text)
	}
	if _, _, b := s.get("/v1/models"); !strings.Contains(string(b), `"aiwork_class":"tolerant"`) {
		t.Errorf("%s", b)
	}
}
