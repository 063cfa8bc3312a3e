package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Check holds a result against the schema of its method, and lists what is wrong.
func (s *Suite) Check(method string, result json.RawMessage) []string {
	schema, ok := s.results[method]
	if !ok {
		return []string{"no schema of " + method}
	}
	v, err := decode(result)
	if err != nil {
		return []string{err.Error()}
	}
	return s.check(schema, v, "result")
}

// Methods lists the methods that have a schema.
func (s *Suite) Methods() []string { return slices.Sorted(maps.Keys(s.results)) }

func decode(raw json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// check knows the words of JSON Schema that the description uses.
func (s *Suite) check(schema, v any, at string) (wrong []string) {
	m, ok := schema.(map[string]any)
	if !ok {
		return nil
	}
	if ref, ok := m["$ref"].(string); ok {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		of, found := s.schemas[name]
		if !found {
			return []string{at + ": no schema " + name}
		}
		return s.check(of, v, at)
	}
	if kind, ok := m["type"].(string); ok && !isKind(v, kind) {
		return []string{fmt.Sprintf("%s: %s, want %s", at, short(v), kind)}
	}
	if want, ok := m["const"]; ok && fmt.Sprint(want) != fmt.Sprint(v) {
		wrong = append(wrong, fmt.Sprintf("%s: %s, want %v", at, short(v), want))
	}
	if list, ok := m["enum"].([]any); ok && !slices.ContainsFunc(list, func(e any) bool { return fmt.Sprint(e) == fmt.Sprint(v) }) {
		wrong = append(wrong, fmt.Sprintf("%s: %s, want one of %v", at, short(v), list))
	}
	if p, ok := m["pattern"].(string); ok {
		if text, isText := v.(string); isText && !regexp.MustCompile(p).MatchString(text) {
			wrong = append(wrong, fmt.Sprintf("%s: %s does not match %s", at, short(v), p))
		}
	}
	wrong = append(wrong, s.checkChoices(m, v, at)...)
	if list, ok := v.([]any); ok {
		for i, item := range list {
			wrong = append(wrong, s.check(m["items"], item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	if object, ok := v.(map[string]any); ok {
		wrong = append(wrong, s.checkObject(m, object, at)...)
	}
	return wrong
}

// checkChoices is allOf, and anyOf and oneOf, whose difference is of no use to a reader: both want one that
// fits.
func (s *Suite) checkChoices(m map[string]any, v any, at string) (wrong []string) {
	if all, ok := m["allOf"].([]any); ok {
		for _, of := range all {
			wrong = append(wrong, s.check(of, v, at)...)
		}
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		choices, ok := m[word].([]any)
		if !ok {
			continue
		}
		var best []string
		for i, of := range choices {
			if w := s.check(of, v, at); i == 0 || len(w) < len(best) {
				best = w
			}
		}
		wrong = append(wrong, best...)
	}
	return wrong
}

func (s *Suite) checkObject(m, object map[string]any, at string) (wrong []string) {
	if needed, ok := m["required"].([]any); ok {
		for _, k := range needed {
			if _, has := object[fmt.Sprint(k)]; !has {
				wrong = append(wrong, fmt.Sprintf("%s: no %v", at, k))
			}
		}
	}
	properties, _ := m["properties"].(map[string]any)
	patterns, _ := m["patternProperties"].(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(object)) {
		of, known := properties[k]
		for p, schema := range patterns {
			if !known && regexp.MustCompile(p).MatchString(k) {
				of, known = schema, true
			}
		}
		if !known {
			if m["additionalProperties"] == false {
				wrong = append(wrong, fmt.Sprintf("%s: %s is not in the schema", at, k))
			}
			of = m["additionalProperties"]
		}
		wrong = append(wrong, s.check(of, object[k], at+"."+k)...)
	}
	return wrong
}

func isKind(v any, kind string) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case json.Number:
		return kind == "number" || kind == "integer" && !strings.ContainsAny(v.String(), ".eE")
	case []any:
		return kind == "array"
	default:
		return kind == "object"
	}
}

func short(v any) string {
	text, _ := json.Marshal(v)
	return string(text[:min(len(text), 80)])
}

// Keys lists the paths of all object keys of an answer; elements of a list share one path, and so do
// addresses, hashes and nonces that serve as keys.
func Keys(raw json.RawMessage) (map[string]bool, error) {
	v, err := decode(raw)
	out := map[string]bool{}
	addKeys(out, v, "")
	return out, err
}

func addKeys(out map[string]bool, v any, at string) {
	switch v := v.(type) {
	case map[string]any:
		for k, of := range v {
			if strings.HasPrefix(k, "0x") || strings.Trim(k, "0123456789") == "" {
				k = "*"
			}
			out[at+"."+k] = true
			addKeys(out, of, at+"."+k)
		}
	case []any:
		for _, of := range v {
			addKeys(out, of, at+"[]")
		}
	}
}
