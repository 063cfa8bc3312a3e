package onnx

import (
	"maps"
	"slices"
)

// A Survey is what can be said of a model file without understanding all of it.
type Survey struct {
	Operators []string // names, sorted; with their domain where it is not ONNX's own
	Opsets    []Opset
}

// SurveyModel lists the operators of a model, for a report on files that DecodeModel refuses.
func SurveyModel(b []byte) (s Survey, err error) {
	names := map[string]bool{}
	m := &Model{}
	err = eachField(b, func(f field) error {
		switch f.number {
		case 7:
			return surveyGraph(f.bytes, names, 0)
		case 8:
			return m.addOpset(f)
		}
		return nil
	})
	return Survey{Operators: slices.Sorted(maps.Keys(names)), Opsets: m.Opsets}, err
}

func surveyGraph(b []byte, names map[string]bool, nesting int) error {
	if nesting > NestingMax || len(names) > NodesMax {
		return nil
	}
	return eachField(b, func(f field) error {
		if f.number != 1 {
			return nil
		}
		var name, domain string
		err := eachField(f.bytes, func(f field) error {
			switch f.number {
			case 4:
				return f.setText(&name)
			case 5:
				return surveyAttr(f.bytes, names, nesting)
			case 7:
				return f.setText(&domain)
			}
			return nil
		})
		if domain != "" && domain != "ai.onnx" {
			name = domain + ":" + name
		}
		names[name] = true
		return err
	})
}

func surveyAttr(b []byte, names map[string]bool, nesting int) error {
	return eachField(b, func(f field) error {
		if f.number == 6 {
			return surveyGraph(f.bytes, names, nesting+1)
		}
		return nil
	})
}
