package config

// Precedence, unknown keys and bad values, each in every place a value can come from.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func noFlags(string) (string, bool) { return "", false }

func home(t *testing.T, file string) string {
	dir := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPrecedence(t *testing.T) {
	dir := home(t, "[rpc]\nlisten = \"127.0.0.1:1\"\nhosts = [\"a\", \"b\"]\n[log]\nlevel = \"warn\"\n")
	env := []string{"AIWORK_RPC_LISTEN=127.0.0.1:2", "AIWORK_P2P_MAX_PEERS=9", "PATH=/bin"}
	flags := func(name string) (string, bool) {
		return "127.0.0.1:3", name == "rpc"
	}
	c, err := Load(dir, env, flags)
	if err != nil {
		t.Fatal(err)
	}
	if c.RPCListen != "127.0.0.1:3" || c.P2PMaxPeers != 9 || c.LogLevel != "warn" || strings.Join(c.RPCHosts, "+") != "a+b" {
		t.Errorf("got %+v", c)
	}
	want := map[string]Origin{"rpc.listen": FromFlag, "p2p.max_peers": FromEnvironment, "log.level": FromFile, "log.format": FromDefault}
	for _, s := range c.Settings() {
		if w, ok := want[s.Key]; ok && s.Origin != w {
			t.Errorf("%s: got origin %s, want %s", s.Key, s.Origin, w)
		}
	}
}

func TestFileRoundTrip(t *testing.T) {
	c := Default("")
	c.RPCHosts = []string{"node.example", "x"}
	got, err := Load(home(t, string(c.File())), nil, noFlags)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got.Settings() {
		if want := c.Settings()[i]; s.Value != want.Value {
			t.Errorf("%s: got %q, want %q", s.Key, s.Value, want.Value)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct{ name, file, env, want string }{
		{"unknown key", "[rpc]\nlissen = \"x\"", "", `no setting "rpc.lissen"`},
		{"key in the wrong section", "[p2p]\nlevel = \"info\"", "", `did you mean "log.level"?`},
		{"unknown variable", "", "AIWORK_RPC_LISSEN=x", "AIWORK_RPC_LISSEN is no setting"},
		{"not a number", "", "AIWORK_P2P_MAX_PEERS=many", `"many": invalid syntax`},
		{"out of range", "[p2p]\nmax_peers = 0", "", "p2p.max_peers: 0: want 1 to 1000"},
		{"bad level", "[log]\nlevel = \"loud\"", "", `log.level: "loud"`},
		{"not TOML", "rpc = [", "", "configuration"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(home(t, tc.file), []string{tc.env}, noFlags)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want ... %s", err, tc.want)
			}
		})
	}
}

func FuzzFile(f *testing.F) {
	f.Add(string(Default("").File()))
	f.Add("[rpc]\nlisten = 1\n")
	f.Add("[p2p]\npeers = [\"a\", 3]\nmdns = true\n")
	f.Fuzz(func(t *testing.T, file string) {
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		c := Default("")
		_ = c.loadFile(path)
	})
}
