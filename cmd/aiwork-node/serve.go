package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/inference"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
)

func serveCommand() *cli.Command {
	l := inference.DefaultLimits()
	return &cli.Command{
		Name:  "serve",
		Usage: "serve models over HTTP, in the forms of OpenAI and of KServe",
		Flags: append(append(signerFlags(), payFlags()...),
			packedFlag(),
			&cli.StringSliceFlag{Name: "gguf", Usage: "language model as `[NAME=]FILE.gguf`; may be repeated"},
			&cli.StringFlag{Name: "models", Usage: "`FOLDER` of models to serve, as `model pull` stores them; default: none", EnvVars: []string{"AIWORK_MODELS"}},
			&cli.StringSliceFlag{Name: "upstream", Usage: "another server that answers for a model, as `NAME=URL[#MODEL]`; may be repeated"},
			&cli.StringSliceFlag{Name: "upstream-key-file", Usage: "the key for one, as `NAME=FILE`"},
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to serve at", Value: "127.0.0.1:8645"},
			&cli.StringSliceFlag{Name: "host", Usage: "`NAME` by which callers may know this server, beside localhost and addresses"},
			&cli.StringSliceFlag{Name: "origin", Usage: "`ORIGIN` of web pages that may call"},
			&cli.StringFlag{Name: "api-key-file", Usage: "`FILE` with the key that callers must show"},
			&cli.StringFlag{Name: "template", Usage: "form of conversations: chatml, llama2, llama3, zephyr or plain; default: each model's own"},
			&cli.IntFlag{Name: "threads", Usage: "how many processors a model uses", Value: runtime.NumCPU()},
			&cli.IntFlag{Name: "cache-mib", Usage: "`MIB` that a language model's keys and values may take", Value: 1024},
			&cli.IntFlag{Name: "queue", Usage: "answers that run or wait for one language model", Value: l.QueueMax},
			&cli.IntFlag{Name: "answer-tokens", Usage: "most tokens of one answer", Value: l.AnswerTokensMax},
			&cli.DurationFlag{Name: "answer-timeout", Usage: "for one answer, its wait included", Value: l.AnswerTimeout},
		),
		Action: serve,
	}
}

// payFlags are those of runs that are paid jobs. Without the first nothing is ever spent.
func payFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "spend-per-hour", Usage: "run models of --models as paid jobs at --rpc instead of here, for at most so many `TOKENS` an hour"},
		&cli.StringFlag{Name: "price", Usage: "`TOKENS` for each job's item", Value: "1"},
		&cli.Float64Flag{Name: "audit", Usage: "`SHARE` of the items that validators compute again, above 0, at most 1; default: the chain's"},
		&cli.UintFlag{Name: "panel", Usage: "auditors of a job; default: the chain's"},
		&cli.DurationFlag{Name: "life", Usage: "until when work may begin", Value: 2 * time.Minute},
	}
}

func openJobs(c *cli.Context) (jobs *inference.Jobs, closeClient func(), err error) {
	o := inference.JobOptions{}
	if o.SpendHourMax, err = term.ParseAWO(c.String("spend-per-hour")); err != nil {
		return nil, nil, usagef("--spend-per-hour: %v", err)
	}
	if o.Terms, err = jobTerms(c); err != nil {
		return nil, nil, err
	}
	if o.Key, err = signer(c); err != nil {
		return nil, nil, err
	}
	if o.Client, err = dial(c); err != nil {
		return nil, nil, err
	}
	return inference.NewJobs(o), o.Client.Close, nil
}

func serve(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	ctx, cancel := testnet.WithLifeline(c.Context)
	defer cancel()
	o, err := serveOptions(c)
	if err != nil {
		return err
	}
	languages, closeFiles, err := openLanguages(c, o.Limits)
	defer closeFiles()
	if err != nil {
		return err
	}
	o.Languages = languages
	if o.Upstreams, err = openUpstreams(c, o.Limits); err != nil {
		return err
	}
	if c.String("models") != "" || c.String("spend-per-hour") != "" {
		if o.Networks, err = openNetworks(c, o.Limits); err != nil {
			return err
		}
		defer o.Networks.Close()
	}
	if c.String("spend-per-hour") != "" {
		jobs, closeClient, err := openJobs(c)
		if err != nil {
			return err
		}
		defer closeClient()
		o.Jobs = jobs
	}
	if len(o.Languages)+len(o.Upstreams) == 0 && (o.Networks == nil || o.Networks.Len() == 0) {
		return usagef("nothing to serve: name models by --gguf, --models or --upstream")
	}
	s, err := inference.Listen(o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := printer(c).Result(map[string]string{"url": "http://" + s.Addr().String()}, func(w io.Writer) {
		fmt.Fprintf(w, "serving at http://%s\n", s.Addr())
	}); err != nil {
		return err
	}
	return s.Run(ctx)
}

// openNetworks takes the model that ships and those of --models.
func openNetworks(c *cli.Context, limits inference.Limits) (*inference.Networks, error) {
	ships, err := builtin.ContentSafety()
	if err != nil {
		return nil, err
	}
	return inference.OpenNetworks(engine.LibraryOf(c.String("models"), []*model.File{ships}), c.Int("threads"), limits)
}

func serveOptions(c *cli.Context) (inference.Options, error) {
	l := inference.DefaultLimits()
	l.QueueMax, l.AnswerTokensMax, l.AnswerTimeout = c.Int("queue"), c.Int("answer-tokens"), c.Duration("answer-timeout")
	o := inference.Options{
		Listen: c.String("listen"), Hosts: c.StringSlice("host"), Origins: c.StringSlice("origin"), Version: version, Limits: l,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Metrics: prometheus.NewRegistry(),
	}
	if err := l.Check(); err != nil {
		return o, usagef("%v", err)
	}
	if file := c.String("api-key-file"); file != "" {
		var err error
		if o.Key, err = readKey(file); err != nil {
			return o, usagef("--api-key-file: %v", err)
		}
		if len(o.Key) < apiKeyBytesLeast {
			return o, usagef("--api-key-file %s: a key of %d bytes, want at least %d", file, len(o.Key), apiKeyBytesLeast)
		}
	}
	return o, nil
}

func readKey(file string) (string, error) {
	raw, err := os.ReadFile(file)
	return strings.TrimSpace(string(raw)), err
}

// openUpstreams reads --upstream and the keys that belong to them.
func openUpstreams(c *cli.Context, limits inference.Limits) (list []*inference.Upstream, err error) {
	keys := map[string]string{}
	for _, text := range c.StringSlice("upstream-key-file") {
		name, file, _ := strings.Cut(text, "=")
		if keys[name], err = readKey(file); err != nil {
			return nil, usagef("--upstream-key-file %s: %v", name, err)
		}
	}
	for _, text := range c.StringSlice("upstream") {
		name, rest, ok := strings.Cut(text, "=")
		url, theirs, _ := strings.Cut(rest, "#")
		if !ok || name == "" {
			return nil, usagef("--upstream %s: want NAME=URL", name)
		}
		u, err := inference.NewUpstream(inference.UpstreamOptions{Name: name, URL: url, Model: theirs, Key: keys[name]}, limits)
		if err != nil {
			return nil, usagef("%v", err)
		}
		delete(keys, name)
		list = append(list, u)
	}
	for name := range keys {
		return nil, usagef("--upstream-key-file: there is no --upstream %s", name)
	}
	return list, nil
}

const apiKeyBytesLeast = 16 // fewer could be guessed

// openLanguages loads the models of --gguf and finds those of --models, which become jobs where they are paid for. Files stay open, and
// mapped, until they are closed at the end.
func openLanguages(c *cli.Context, limits inference.Limits) (list []*inference.Language, closeFiles func(), err error) {
	var files []*language.Model
	closeFiles = func() {
		for _, f := range files {
			_ = f.Close()
		}
	}
	if n := c.Int("threads"); n < 1 || c.Int("cache-mib") < 1 {
		return nil, closeFiles, usagef("--threads and --cache-mib want at least 1")
	}
	for _, text := range c.StringSlice("gguf") {
		name, path, named := strings.Cut(text, "=")
		if !named {
			name, path = strings.TrimSuffix(filepath.Base(text), ".gguf"), text
		}
		f, err := language.Open(path)
		if err != nil {
			return nil, closeFiles, usagef("--gguf: %v", err)
		}
		files = append(files, f)
		l, err := inference.LoadLanguage(path, f, languageOptions(c, name, limits))
		if err != nil {
			return nil, closeFiles, err
		}
		list = append(list, l)
	}
	store := language.Store{Dir: c.String("models")}
	entries, err := store.List()
	if err != nil {
		return nil, closeFiles, err
	}
	taken := map[string]bool{}
	for _, e := range entries {
		if e.Err != nil {
			continue
		}
		f, err := store.Open(e.ID)
		if err != nil {
			return nil, closeFiles, err
		}
		files = append(files, f)
		name := e.Name
		if taken[name] {
			name = e.ID.String()
		}
		taken[name] = true
		l, err := inference.StoredLanguage(e.ID, f, c.String("spend-per-hour") != "", languageOptions(c, name, limits))
		if err != nil {
			return nil, closeFiles, err
		}
		list = append(list, l)
	}
	return list, closeFiles, nil
}

func languageOptions(c *cli.Context, name string, limits inference.Limits) inference.LanguageOptions {
	return inference.LanguageOptions{
		Name: name, Template: c.String("template"), Threads: c.Int("threads"), Path: kernel.Best(), CacheMiB: c.Int("cache-mib"), AnswerMax: limits.QueueMax,
		Packed: packedOf(c, c.String("models")),
	}
}
