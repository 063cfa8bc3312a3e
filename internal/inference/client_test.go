package inference

// OpenAI's own client for Node.js, unchanged (tools/openairef), streaming and not.

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

func TestOpenAIClient(t *testing.T) {
	node := testutil.Tool(t, "node", "nodejs")
	folder := filepath.Join(testutil.Root(t), "tools", "openairef")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "openai", "package.json")); err != nil {
		testutil.Skip(t, "needs OpenAI's client: npm ci --ignore-scripts --prefix tools/openairef")
	}
	o := testOptions()
	o.Key = "sixteen letters!"
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	run := exec.CommandContext(t.Context(), node, "openai.mjs", s.url, o.Key, "tiny")
	run.Dir, run.Stderr = folder, os.Stderr
	raw, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	var got struct {
		Models                     []string
		Model, Finish, Chat        string
		ChatStream, ChatHelper     string
		Text, TextStream, After    string
		Refused, Unknown, Stranger string
		Tokens, StreamTokens       int
		Likely, ChatLikely         bool
		Choices                    bool
		SameVector                 bool
		Vectors                    []string
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Models) != 1 || got.Models[0] != "tiny" || got.Model != "tiny" || got.Finish == "" || got.Tokens == 0 || got.Tokens != got.StreamTokens {
		t.Errorf("%s", raw)
	}
	if got.Chat == "" || got.ChatStream != got.Chat || got.ChatHelper != got.Chat || got.Text == "" || got.TextStream != got.Text || got.After != got.Text {
		t.Errorf("answers differ: %s", raw)
	}
	if !got.Choices {
		t.Errorf("several answers: %s", raw)
	}
	if !got.Likely || !got.ChatLikely || !got.SameVector || !slices.Equal(got.Vectors, []string{"1.0000/64", "1.0000/64"}) {
		t.Errorf("likelihoods and vectors: %s", raw)
	}
	if got.Refused != "BadRequestError:logprobs" || got.Unknown != "NotFoundError:model" || got.Stranger != "AuthenticationError:invalid_api_key" {
		t.Errorf("%s, %s, %s", got.Refused, got.Unknown, got.Stranger)
	}
}
