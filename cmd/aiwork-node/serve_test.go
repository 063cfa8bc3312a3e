package main

// The command from its flags to answers over HTTP, with a model of llama2.c that is converted first, the network that
// ships, and another server of ours as upstream.

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// background runs a command line that serves, and gives the URL that it prints and a function that ends it.
func background(t *testing.T, args ...string) (url string, end func() error) {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	app, done := newApp(), make(chan error, 1)
	all := append([]string{"aiwork-node", "--home", t.TempDir(), "--json", "serve", "--listen", "127.0.0.1:0"}, args...)
	stdout := os.Stdout
	os.Stdout = in
	go func() {
		err := app.RunContext(ctx, all)
		in.Close()
		done <- err
	}()
	var told struct{ URL string }
	err = json.NewDecoder(out).Decode(&told)
	os.Stdout = stdout
	if err != nil {
		t.Fatalf("%v: %v", args, <-done)
	}
	return told.URL, func() error { cancel(); return <-done }
}

func TestServe(t *testing.T) {
	folder := t.TempDir()
	bin, gguf, key := filepath.Join(folder, "m.bin"), filepath.Join(folder, "m.gguf"), filepath.Join(folder, "key")
	llama2cModel(t, bin)
	output(t, "model", "convert", bin, gguf)
	if err := os.WriteFile(key, []byte("sixteen letters!\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url, end := background(t, "--gguf", "tale="+gguf, "--models", folder, "--api-key-file", key, "--threads", "1")
	front, endFront := background(t, "--upstream", "far="+url+"#tale", "--upstream-key-file", "far="+key)
	for _, c := range []struct{ url, key, body, want string }{
		{url + "/v1/models", "sixteen letters!", "", `"id":"tale"`},
		{url + "/v2/models/content-safety", "sixteen letters!", "", `"datatype":"BYTES"`},
		{url + "/v1/models", "", "", "invalid_api_key"},
		{url + "/v1/completions", "sixteen letters!", `{"model":"tale","prompt":[1,5],"max_tokens":5,"seed":1}`, `"class":"exact"`},
		{front + "/v1/completions", "", `{"model":"far","prompt":[1,5],"max_tokens":5,"seed":1}`, `"finish_reason":"`},
		{front + "/v1/models", "", "", `"aiwork_class":"tolerant"`},
	} {
		method := http.MethodPost
		if c.body == "" {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(t.Context(), method, c.url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.key)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !strings.Contains(string(b), c.want) {
			t.Errorf("%s: %s, want %s", c.url, b, c.want)
		}
	}
	if err := endFront(); err != nil {
		t.Error(err)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestServeRefuses(t *testing.T) {
	short := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(short, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "nothing to serve"},
		{[]string{"--upstream", "x"}, "NAME=URL"},
		{[]string{"--upstream", "x=ftp://host"}, "http://"},
		{[]string{"--upstream-key-file", "x=" + short}, "no --upstream x"},
		{[]string{"--api-key-file", short}, "at least 16"},
		{[]string{"--gguf", "none.gguf"}, "none.gguf"},
		{[]string{"--queue", "0"}, "at least 1"},
		{[]string{"--spend-per-hour", "much"}, "--spend-per-hour"},
		{[]string{"--upstream", "x=http://127.0.0.1:1", "--upstream", "x=http://127.0.0.1:2"}, "two models"},
	} {
		err := try(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}
