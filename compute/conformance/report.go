package conformance

import (
	"cmp"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/aiwork/aiwork-node/compute/program"
)

// An Outcome says what became of a test.
type Outcome string

// The outcomes.
const (
	Passed      Outcome = "passed"
	Failed      Outcome = "failed"
	Unsupported Outcome = "unsupported"
)

// A Result is what became of one test.
type Result struct {
	Test      string   `json:"test"` // its folder below the one that was given
	Outcome   Outcome  `json:"outcome"`
	Reason    string   `json:"reason,omitempty"` // of everything but a pass
	Operators []string `json:"operators"`
	Opset     int      `json:"opset,omitempty"`
}

// Counts are numbers of tests.
type Counts struct {
	Passed      int `json:"passed"`
	Failed      int `json:"failed"`
	Unsupported int `json:"unsupported"`
}

func (c *Counts) add(o Outcome) {
	switch o {
	case Passed:
		c.Passed++
	case Failed:
		c.Failed++
	default:
		c.Unsupported++
	}
}

// A Tally counts the tests in which an operator occurs.
type Tally struct {
	Operator string `json:"operator"`
	Counts
}

// A Report is what became of all tests below a folder.
type Report struct {
	Counts
	ByOperator []Tally  `json:"byOperator"` // sorted by name
	Results    []Result `json:"results"`    // in the order of the folders
}

func (r *Report) add(result Result) {
	r.Results = append(r.Results, result)
	r.Counts.add(result.Outcome)
	for _, name := range result.Operators {
		i, ok := slices.BinarySearchFunc(r.ByOperator, name, func(t Tally, name string) int { return cmp.Compare(t.Operator, name) })
		if !ok {
			r.ByOperator = slices.Insert(r.ByOperator, i, Tally{Operator: name})
		}
		r.ByOperator[i].add(result.Outcome)
	}
}

// Run runs every test below a folder, in the order of their names. each, if not nil, is told of each.
func Run(folder string, limits program.Limits, each func(Result)) (*Report, error) {
	report := &Report{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != modelFile {
			return err
		}
		name, err := filepath.Rel(folder, filepath.Dir(path))
		if err != nil {
			return err
		}
		result := runTest(filepath.Dir(path), limits)
		result.Test = name
		report.add(result)
		if each != nil {
			each(result)
		}
		return nil
	})
	return report, err
}
