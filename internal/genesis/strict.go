package genesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// checkKeys refuses a file whose keys are not exactly those of its canonical form: one that is missing
// would be 0 in silence, one that stands twice or is spelt with other capitals would be taken for the same.
func checkKeys(file, canonical []byte) error {
	have, err := keys(file)
	if err != nil {
		return err
	}
	want, err := keys(canonical)
	if err != nil {
		return err
	}
	for len(have) > 0 || len(want) > 0 {
		switch {
		case len(want) == 0 || len(have) > 0 && have[0] < want[0]:
			return fmt.Errorf("key %s stands twice or is misspelt", have[0])
		case len(have) == 0 || have[0] > want[0]:
			return fmt.Errorf("key %s is missing", want[0])
		}
		have, want = have[1:], want[1:]
	}
	return nil
}

// keys lists the paths of all keys in a JSON text, sorted; the elements of a list share their path.
func keys(text []byte) (out []string, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if err := walk(d, "", &out); err != nil {
		return nil, err
	}
	slices.Sort(out)
	return out, nil
}

// walk reads one value that lies at path.
func walk(d *json.Decoder, path string, out *[]string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, nested := t.(json.Delim)
	if !nested {
		return nil
	}
	for d.More() {
		at := path
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			at = strings.TrimPrefix(path+"."+key.(string), ".")
			*out = append(*out, at)
		}
		if err := walk(d, at, out); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
