// Command licences collects the licence texts of every module that is linked into aiwork-node, and
// prints them as one text, equal texts once. `make licences` writes it where the binary embeds it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	modules, err := linked()
	if err != nil {
		return err
	}
	users := map[string][]string{} // by text
	var texts []string
	for _, m := range modules {
		text, err := licenceOf(m)
		if err != nil {
			return err
		}
		if users[text] == nil {
			texts = append(texts, text)
		}
		users[text] = append(users[text], m.Path+" "+m.Version)
	}
	for _, text := range texts {
		fmt.Fprintf(w, "%s\n%s\n%s\n\n%s\n\n", strings.Repeat("=", 80), strings.Join(users[text], "\n"), strings.Repeat("-", 80), text)
	}
	return nil
}

// linked lists the modules of all packages that the program imports.
func linked() ([]module, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/aiwork-node").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	seen := map[string]bool{}
	var modules []module
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ Module *module }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && !p.Module.Main && !seen[p.Module.Path] {
			seen[p.Module.Path] = true
			modules = append(modules, *p.Module)
		}
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

// licenceOf joins a module's licence and notice files.
func licenceOf(m module) (string, error) {
	var parts []string
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !(strings.HasPrefix(name, "LICEN") || strings.HasPrefix(name, "COPYING") || strings.HasPrefix(name, "NOTICE")) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return "", err
		}
		parts = append(parts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	if len(parts) == 0 {
		return "", fmt.Errorf("%s: no licence file", m.Path)
	}
	return strings.Join(parts, "\n\n"), nil
}
