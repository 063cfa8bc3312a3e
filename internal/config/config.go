package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// FileName is the configuration file inside a node's home folder.
const FileName = "config.toml"

const fileBytesMax = 1 << 20

// Config is what an operator may choose.
type Config struct {
	Home string // folder with keys, data and config.toml

	RPCListen     string
	RPCHosts      []string
	RPCOrigins    []string
	MetricsListen string

	P2PListen   []string // multiaddrs
	P2PPeers    []string // multiaddrs with /p2p/ID
	P2PMaxPeers int
	P2PMDNS     bool

	MempoolBytesMax     int
	MempoolTxsMax       int
	MempoolPerSenderMax int
	MempoolPaceMs       int // 0: none

	LogLevel  string
	LogFormat string

	PasswordFile    string // unlocks the account key of a validator or worker
	EngineThreads   int    // 0: one less than the machine has
	EngineMemoryMiB int

	ChallengeBondMax int // tokens; 0: nothing is challenged
	WatchPercent     int // of the open results of workers, beside the audits

	origins map[string]Origin
}

// Origin says where a setting's value came from.
type Origin string

// The places a value can come from, weakest first.
const (
	FromDefault     Origin = "default"
	FromFile        Origin = "config.toml"
	FromEnvironment Origin = "environment"
	FromFlag        Origin = "flag"
)

// Setting is one line of `config show`.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin Origin `json:"origin"`
	Flag   string `json:"flag"`
	Env    string `json:"env"`
	Help   string `json:"help"`
}

// field ties a key to its place in a Config.
type field struct {
	key, flag, help string
	target          any // *string, *[]string, *int or *bool
}

func (c *Config) fields() []field {
	return []field{
		{"rpc.listen", "rpc", "address of JSON-RPC over HTTP and WebSocket", &c.RPCListen},
		{"rpc.hosts", "rpc-hosts", "names accepted in the Host header beside loopback", &c.RPCHosts},
		{"rpc.origins", "rpc-origins", "web origins that may call JSON-RPC", &c.RPCOrigins},
		{"metrics.listen", "metrics", "address of metrics, /livez and /readyz", &c.MetricsListen},
		{"p2p.listen", "p2p", "multiaddrs to listen on for peers", &c.P2PListen},
		{"p2p.peers", "peer", "multiaddrs of peers to keep connected to", &c.P2PPeers},
		{"p2p.max_peers", "max-peers", "most peers at once", &c.P2PMaxPeers},
		{"p2p.mdns", "mdns", "look for peers on the local network", &c.P2PMDNS},
		{"mempool.bytes_max", "mempool-bytes", "most bytes of waiting transactions", &c.MempoolBytesMax},
		{"mempool.txs_max", "mempool-txs", "most waiting transactions", &c.MempoolTxsMax},
		{"mempool.per_sender_max", "mempool-per-sender", "most waiting transactions of one sender", &c.MempoolPerSenderMax},
		{"mempool.pace_ms", "pace-ms", "milliseconds that a transaction rests before this node's blocks take it; 0: none", &c.MempoolPaceMs},
		{"log.level", "log-level", "debug, info, warn or error", &c.LogLevel},
		{"log.format", "log-format", "text or json", &c.LogFormat},
		{"keys.password_file", "password-file", "file with the password of the node's account key", &c.PasswordFile},
		{"engine.threads", "engine-threads", "threads of the inference engine; 0: one less than the machine has", &c.EngineThreads},
		{"engine.memory_mib", "engine-memory-mib", "memory ceiling of the inference engine's process", &c.EngineMemoryMiB},
		{"audit.challenge_bond_max", "challenge-bond-max", "most tokens to risk on a challenge of a false result; 0: challenge nothing", &c.ChallengeBondMax},
		{"audit.watch_percent", "watch-percent", "share of open results to run again beside the audits that this validator is drawn for", &c.WatchPercent},
	}
}

// Default gives the settings of a node in home.
func Default(home string) *Config {
	c := &Config{
		Home:            home,
		RPCListen:       "127.0.0.1:8545",
		MetricsListen:   "127.0.0.1:9545",
		P2PListen:       []string{"/ip4/127.0.0.1/tcp/26600", "/ip4/127.0.0.1/udp/26600/quic-v1"},
		P2PMaxPeers:     64,
		MempoolBytesMax: 64 << 20, MempoolTxsMax: 16_384, MempoolPerSenderMax: 4096,
		LogLevel: "info", LogFormat: "text",
		EngineMemoryMiB:  2048,
		ChallengeBondMax: 100,
		origins:          map[string]Origin{},
	}
	for _, f := range c.fields() {
		c.origins[f.key] = FromDefault
	}
	return c
}

// Source looks a flag or variable up; ok is false where it was not given.
type Source func(name string) (value string, ok bool)

// Load reads home/config.toml where it exists, then the environment, then flags, and checks the result.
func Load(home string, environ []string, flags Source) (*Config, error) {
	c := Default(home)
	if err := c.loadFile(filepath.Join(home, FileName)); err != nil {
		return nil, err
	}
	if err := c.loadEnvironment(environ); err != nil {
		return nil, err
	}
	for _, f := range c.fields() {
		if v, ok := flags(f.flag); ok {
			if err := c.set(f, v, FromFlag); err != nil {
				return nil, fmt.Errorf("--%s: %w", f.flag, err)
			}
		}
	}
	return c, c.Check()
}

func (c *Config) loadFile(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if info.Size() > fileBytesMax {
		return fmt.Errorf("configuration %s: %d bytes, at most %d are read", path, info.Size(), fileBytesMax)
	}
	var tables map[string]map[string]any
	if _, err := toml.DecodeFile(path, &tables); err != nil {
		return fmt.Errorf("configuration %s: %w", path, err)
	}
	known := c.fields()
	for section, entries := range tables {
		for name, v := range entries {
			key := section + "." + name
			i := slices.IndexFunc(known, func(f field) bool { return f.key == key })
			if i < 0 {
				return fmt.Errorf("configuration %s: no setting %q%s", path, key, suggest(key, known))
			}
			if err := c.set(known[i], tomlText(v), FromFile); err != nil {
				return fmt.Errorf("configuration %s: %s: %w", path, key, err)
			}
		}
	}
	return nil
}

// envOther are AIWORK_ variables that are not settings of a node.
var envOther = []string{"AIWORK_LIFELINE", "AIWORK_HOME", "AIWORK_TEST_ALL", "AIWORK_SOAK", "AIWORK_RPC_URL", "AIWORK_PASSWORD"}

func (c *Config) loadEnvironment(environ []string) error {
	known := c.fields()
	for _, entry := range environ {
		name, v, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "AIWORK_") || slices.Contains(envOther, name) || strings.HasPrefix(name, "AIWORK_FAULT_") {
			continue
		}
		i := slices.IndexFunc(known, func(f field) bool { return envName(f.key) == name })
		if i < 0 {
			return fmt.Errorf("environment: %s is no setting: unset it, or see `aiwork-node config show`", name)
		}
		if err := c.set(known[i], v, FromEnvironment); err != nil {
			return fmt.Errorf("environment %s: %w", name, err)
		}
	}
	return nil
}

func (c *Config) set(f field, text string, from Origin) error {
	var err error
	switch t := f.target.(type) {
	case *string:
		*t = text
	case *[]string:
		*t = splitList(text)
	case *int:
		*t, err = strconv.Atoi(text)
	case *bool:
		*t, err = strconv.ParseBool(text)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", text, errors.Unwrap(err))
	}
	c.origins[f.key] = from
	return nil
}

// Check refuses values that cannot work.
func (c *Config) Check() error {
	switch {
	case c.P2PMaxPeers < 1 || c.P2PMaxPeers > 1000:
		return fmt.Errorf("p2p.max_peers: %d: want 1 to 1000", c.P2PMaxPeers)
	case c.MempoolBytesMax < 1<<20 || c.MempoolTxsMax < 1 || c.MempoolPerSenderMax < 1:
		return errors.New("mempool: want at least 1 MiB, one transaction and one transaction a sender")
	case c.MempoolPaceMs < 0 || c.MempoolPaceMs > 5000:
		return fmt.Errorf("mempool.pace_ms: %d: want 0 to 5000", c.MempoolPaceMs)
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel):
		return fmt.Errorf("log.level: %q: want debug, info, warn or error", c.LogLevel)
	case !slices.Contains([]string{"text", "json"}, c.LogFormat):
		return fmt.Errorf("log.format: %q: want text or json", c.LogFormat)
	case c.EngineThreads < 0 || c.EngineThreads > 1024:
		return fmt.Errorf("engine.threads: %d: want 0 to 1024", c.EngineThreads)
	case c.EngineMemoryMiB < 256:
		return fmt.Errorf("engine.memory_mib: %d: want at least 256", c.EngineMemoryMiB)
	case c.ChallengeBondMax < 0 || c.ChallengeBondMax > 1_000_000_000:
		return fmt.Errorf("audit.challenge_bond_max: %d: want 0 to 1000000000 tokens", c.ChallengeBondMax)
	case c.WatchPercent < 0 || c.WatchPercent > 100:
		return fmt.Errorf("audit.watch_percent: %d: want 0 to 100", c.WatchPercent)
	}
	return nil
}

// Settings lists every setting with its value and where it came from, in the order of the file.
func (c *Config) Settings() []Setting {
	var out []Setting
	for _, f := range c.fields() {
		out = append(out, Setting{
			Key: f.key, Value: text(f.target), Origin: c.origins[f.key],
			Flag: "--" + f.flag, Env: envName(f.key), Help: f.help,
		})
	}
	return out
}

// File renders the settings as a config.toml.
func (c *Config) File() []byte {
	var b strings.Builder
	section := ""
	for _, f := range c.fields() {
		table, name, _ := strings.Cut(f.key, ".")
		if table != section {
			if section != "" {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "[%s]\n", table)
			section = table
		}
		fmt.Fprintf(&b, "# %s\n%s = %s\n", f.help, name, tomlValue(f.target))
	}
	return []byte(b.String())
}

func envName(key string) string {
	return "AIWORK_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func splitList(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func text(target any) string {
	switch t := target.(type) {
	case *string:
		return *t
	case *[]string:
		return strings.Join(*t, ",")
	case *int:
		return strconv.Itoa(*t)
	default:
		return strconv.FormatBool(*t.(*bool))
	}
}

func tomlValue(target any) string {
	switch t := target.(type) {
	case *string:
		return strconv.Quote(*t)
	case *[]string:
		quoted := make([]string, len(*t))
		for i, s := range *t {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	default:
		return text(target)
	}
}

func tomlText(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprint(v)
	}
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = fmt.Sprint(e)
	}
	return strings.Join(parts, ",")
}

// suggest names the known key that a misspelt one resembles most.
func suggest(key string, known []field) string {
	_, name, _ := strings.Cut(key, ".")
	for _, f := range known {
		if strings.HasSuffix(f.key, "."+name) || strings.HasPrefix(f.key, key) {
			return fmt.Sprintf(" (did you mean %q?)", f.key)
		}
	}
	return "; `aiwork-node config show` lists them"
}
