package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// AddDiscover makes the table describe itself. Call it last.
func AddDiscover(t *Table, version string) {
	t.Add(Method{Name: "rpc.discover", Summary: "This description, as OpenRPC."},
		func(context.Context) (any, error) { return t.Describe(version), nil })
}

// document is an OpenRPC 1.3 document, as far as we use it.
type document struct {
	OpenRPC string      `json:"openrpc"`
	Info    info        `json:"info"`
	Methods []methodDoc `json:"methods"`
}

type info struct {
	Title   string            `json:"title"`
	Version string            `json:"version"`
	License map[string]string `json:"license"`
}

type methodDoc struct {
	Name           string    `json:"name"`
	Summary        string    `json:"summary"`
	ParamStructure string    `json:"paramStructure"`
	Params         []content `json:"params"`
	Result         content   `json:"result"`
}

type content struct {
	Name     string `json:"name"`
	Required bool   `json:"required,omitempty"`
	Schema   schema `json:"schema"`
}

type schema map[string]any

// Describe gives the OpenRPC document of the table.
func (t *Table) Describe(version string) any {
	doc := document{
		OpenRPC: "1.3.2",
		Info:    info{"aiwork-node", version, map[string]string{"name": "Apache-2.0"}},
		Methods: []methodDoc{},
	}
	for _, name := range t.names {
		m := t.methods[name]
		d := methodDoc{Name: name, Summary: m.Summary, ParamStructure: "by-position", Params: []content{}}
		for i, in := range m.in {
			d.Params = append(d.Params, content{m.Params[i], i < m.needed, schemaOf(in, 0)})
		}
		d.Result = content{Name: "result", Schema: schemaOf(m.fn.Type().Out(0), 0)}
		doc.Methods = append(doc.Methods, d)
	}
	return doc
}

// patterns describe the types that marshal to strings.
var patterns = map[reflect.Type]schema{
	reflect.TypeFor[Uint64]():          {"type": "string", "title": "quantity", "pattern": "^0x(0|[1-9a-f][0-9a-f]{0,15})$"},
	reflect.TypeFor[Uint256]():         {"type": "string", "title": "quantity", "pattern": "^0x(0|[1-9a-f][0-9a-f]{0,63})$"},
	reflect.TypeFor[Bytes]():           {"type": "string", "title": "data", "pattern": "^0x([0-9a-f]{2})*$"},
	reflect.TypeFor[Slot]():            {"type": "string", "title": "slot", "pattern": "^0x[0-9a-f]{1,64}$"},
	reflect.TypeFor[chain.Hash]():      {"type": "string", "title": "hash", "pattern": "^0x[0-9a-f]{64}$"},
	reflect.TypeFor[chain.Address]():   {"type": "string", "title": "address", "pattern": "^0x[0-9a-fA-F]{40}$"},
	reflect.TypeFor[BlockTag]():        {"title": "block", "description": "latest, pending, safe, finalized, earliest, a height, a hash, or an object of EIP-1898"},
	reflect.TypeFor[logFilter]():       {"title": "filter", "type": "object", "description": "fromBlock, toBlock or blockHash, address, topics"},
	reflect.TypeFor[json.RawMessage](): {},
}

const schemaDepthMax = 6

// schemaOf gives the JSON Schema of a Go type as it is marshalled.
func schemaOf(t reflect.Type, depth int) schema {
	if s, ok := patterns[t]; ok {
		return s
	}
	if depth > schemaDepthMax {
		return schema{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return orNull(schemaOf(t.Elem(), depth))
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Float64:
		return schema{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Uint16, reflect.Uint32, reflect.Uint8:
		return schema{"type": "integer"}
	case reflect.Slice, reflect.Array:
		return schema{"type": "array", "items": schemaOf(t.Elem(), depth+1)}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": schemaOf(t.Elem(), depth+1)}
	case reflect.Struct:
		properties := map[string]any{}
		addProperties(properties, t, depth)
		return schema{"type": "object", "properties": properties}
	default:
		return schema{}
	}
}

// orNull lets a schema be null too. The schema of a named type is shared and not changed.
func orNull(s schema) schema {
	kind, ok := s["type"].(string)
	if !ok {
		return s // anything goes, or null is in it already
	}
	out := maps.Clone(s)
	out["type"] = []string{kind, "null"}
	return out
}

func addProperties(properties map[string]any, t reflect.Type, depth int) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			addProperties(properties, f.Type, depth)
		case name != "" && name != "-":
			properties[name] = schemaOf(f.Type, depth+1)
		}
	}
}

// WriteMarkdown writes the table as a page of documentation, so that the page cannot differ from the code.
func (t *Table) WriteMarkdown(w io.Writer) {
	fmt.Fprintln(w, "# JSON-RPC methods\n\nMade from the node's own description (`rpc.discover`) by `make docs`; do not edit.")
	group := ""
	for _, name := range t.names {
		prefix, _, _ := strings.Cut(strings.ReplaceAll(name, ".", "_"), "_")
		if prefix != group {
			group = prefix
			fmt.Fprintf(w, "\n## %s\n\n| method | parameters | what it gives |\n|---|---|---|\n", group)
		}
		m := t.methods[name]
		params := make([]string, len(m.Params))
		for i, p := range m.Params {
			if params[i] = p; i >= m.needed {
				params[i] = "[" + p + "]"
			}
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", name, strings.Join(params, ", "), m.Summary)
	}
}
