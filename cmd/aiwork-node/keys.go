package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/crypto/hd"
	"github.com/aiwork/aiwork-node/crypto/keystore"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/term"
)

const secretBytesMax = 64 << 10 // of a key, mnemonic or keystore that is imported

func keysCommand() *cli.Command {
	password := &cli.StringFlag{Name: "password-file", Usage: "`FILE` whose first line is the password; else AIWORK_PASSWORD"}
	path := &cli.StringFlag{Name: "path", Usage: "BIP-44 derivation `PATH`", Value: "m/44'/60'/0'/0/0"}
	return &cli.Command{
		Name:  "keys",
		Usage: "make, import, export and list account keys",
		Subcommands: []*cli.Command{
			{
				Name:  "new",
				Usage: "make a key and store it encrypted",
				Flags: []cli.Flag{
					password, path,
					&cli.BoolFlag{Name: "mnemonic", Usage: "derive the key from 24 new words (BIP-39) and print them, once"},
				},
				Action: keysNew,
			},
			{
				Name:      "import",
				Usage:     "store a key that exists: 64 hexadecimal digits, BIP-39 words or a Web3 keystore, from FILE or standard input",
				ArgsUsage: "[FILE]",
				Flags: []cli.Flag{
					password, path,
					&cli.StringFlag{Name: "from-password-file", Usage: "`FILE` with the password of the keystore that is imported; default: the same"},
				},
				Action: keysImport,
			},
			{
				Name:      "export",
				Usage:     "print a key: as its keystore, or in plain with --plain",
				ArgsUsage: "ADDRESS",
				Flags: []cli.Flag{
					password,
					&cli.BoolFlag{Name: "plain", Usage: "print the private key itself: whoever sees it owns the account"},
				},
				Action: keysExport,
			},
			{Name: "list", Usage: "list the keys in the node's folder", Action: keysList},
		},
	}
}

// keyInfo is what the keys commands print.
type keyInfo struct {
	Address  string `json:"address"`
	File     string `json:"file,omitempty"`
	Mnemonic string `json:"mnemonic,omitempty"`
	Path     string `json:"path,omitempty"`
	Key      string `json:"privateKey,omitempty"`
	Warning  string `json:"warning,omitempty"`
}

func keysNew(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	info := keyInfo{}
	key := home.NewKey()
	if c.Bool("mnemonic") {
		words, err := hd.NewMnemonic(24)
		if err != nil {
			return err
		}
		if key, err = fromMnemonic(words, c.String("path")); err != nil {
			return err
		}
		info.Mnemonic, info.Path = words, c.String("path")
	}
	return storeKey(c, key, info)
}

func storeKey(c *cli.Context, key secp.PrivateKey, info keyInfo) error {
	password, err := home.Password(c.String("password-file"))
	if err != nil {
		return err
	}
	if len(password) == 0 {
		return errors.New("the password is empty: choose one, it is all that guards the key file")
	}
	info.Address = checksum(key.Public().Address())
	info.File, err = keystore.Write(nodeHome(c).Accounts(), key, password, keystore.Default(), time.Now())
	if err != nil {
		return err
	}
	return printer(c).Result(info, func(w io.Writer) {
		term.Pairs(w, [2]string{"address", info.Address}, [2]string{"file", info.File})
		if info.Mnemonic != "" {
			fmt.Fprintf(w, "\nWrite these words down; they are not shown again and not stored:\n\n  %s\n", info.Mnemonic)
		}
	})
}

func keysImport(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("want one FILE or none: `%s --help` shows how", c.Command.HelpName)
	}
	secret, err := readSecret(c.Args().First())
	if err != nil {
		return err
	}
	key, err := parseSecret(c, secret)
	if err != nil {
		return err
	}
	return storeKey(c, key, keyInfo{})
}

func readSecret(path string) (string, error) {
	in := io.Reader(os.Stdin)
	if path != "" && path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(bufio.NewReader(in), secretBytesMax+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("import: %w", err)
	case len(text) > secretBytesMax:
		return "", fmt.Errorf("import: over %d bytes: this is no key, mnemonic or keystore", secretBytesMax)
	}
	return strings.TrimSpace(string(text)), nil
}

// parseSecret tells the three forms apart by what they look like.
func parseSecret(c *cli.Context, secret string) (secp.PrivateKey, error) {
	switch {
	case strings.HasPrefix(secret, "{"):
		file := c.String("from-password-file")
		if file == "" {
			file = c.String("password-file")
		}
		password, err := home.Password(file)
		if err != nil {
			return secp.PrivateKey{}, err
		}
		return keystore.Decrypt([]byte(secret), password)
	case strings.Contains(secret, " "):
		return fromMnemonic(strings.Join(strings.Fields(secret), " "), c.String("path"))
	default:
		return home.ParseKey(secret)
	}
}

func fromMnemonic(words, path string) (secp.PrivateKey, error) {
	seed, err := hd.Seed(words, "")
	if err != nil {
		return secp.PrivateKey{}, err
	}
	steps, err := hd.ParsePath(path)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	master, err := hd.Master(seed)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	key, err := master.Derive(steps)
	return key.Private(), err
}

func keysExport(c *cli.Context) error {
	if err := want(c, 1, "one ADDRESS"); err != nil {
		return err
	}
	address, err := chain.ParseAddress(c.Args().First())
	if err != nil {
		return usagef("%v", err)
	}
	if !c.Bool("plain") {
		return exportKeystore(c, address)
	}
	key, err := nodeHome(c).FindAccount(address, c.String("password-file"))
	if err != nil {
		return err
	}
	b := key.Bytes()
	info := keyInfo{Address: checksum(address), Key: "0x" + hex.EncodeToString(b[:])}
	return printer(c).Result(info, func(w io.Writer) { fmt.Fprintln(w, info.Key) })
}

func exportKeystore(c *cli.Context, address chain.Address) error {
	entries, err := keystore.List(nodeHome(c).Accounts())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Address == address {
			content, err := os.ReadFile(e.Path)
			if err != nil {
				return fmt.Errorf("keystore: %w", err)
			}
			_, err = printer(c).Out.Write(content)
			return err
		}
	}
	return fmt.Errorf("no key of %s here: `aiwork-node keys list` shows those that are", checksum(address))
}

func keysList(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	entries, err := keystore.List(nodeHome(c).Accounts())
	if err != nil {
		return err
	}
	infos := []keyInfo{}
	for _, e := range entries {
		infos = append(infos, keyInfo{Address: checksum(e.Address), File: e.Path, Warning: keystore.Unsafe(e.Path)})
	}
	return printer(c).Result(infos, func(w io.Writer) {
		if len(infos) == 0 {
			fmt.Fprintf(w, "no keys in %s: `aiwork-node keys new` makes one\n", nodeHome(c).Accounts())
			return
		}
		var rows [][]string
		for _, i := range infos {
			rows = append(rows, []string{i.Address, i.File, i.Warning})
		}
		term.Table(w, []string{"address", "file", ""}, rows)
	})
}

func checksum(a [20]byte) string { return chain.Address(a).Checksum() }
