package onnx

import "fmt"

// attr reads an AttributeProto. Files of the first versions leave its kind out; the field that is there
// then says it.
func (d *decoder) attr(f field) (a Attr, err error) {
	if err := f.want(wireBytes); err != nil {
		return a, err
	}
	implied := AttrKind(0)
	err = eachField(f.bytes, func(f field) error {
		kind, err := d.attrField(&a, f)
		if kind != 0 {
			implied = kind
		}
		return err
	})
	if err != nil {
		return a, err
	}
	if a.Kind == 0 {
		a.Kind = implied
	}
	switch a.Kind {
	case AttrFloat, AttrInt, AttrText, AttrFloats, AttrInts, AttrTexts:
		return a, nil
	case AttrTensor:
		if a.Tensor == nil {
			return a, fmt.Errorf("the tensor is missing")
		}
		return a, nil
	case AttrGraph:
		if a.Graph == nil {
			return a, fmt.Errorf("the graph is missing")
		}
		return a, nil
	}
	return a, unsupported("an attribute of kind %d", a.Kind)
}

// attrField reads one field and says which kind of attribute it belongs to.
func (d *decoder) attrField(a *Attr, f field) (kind AttrKind, err error) {
	switch f.number {
	case 1:
		return 0, f.setText(&a.Name)
	case 2:
		return AttrFloat, f.setFloat(&a.Float)
	case 3:
		return AttrInt, f.setInt(&a.Int)
	case 4:
		return AttrText, f.setText(&a.Text)
	case 5:
		if a.Tensor != nil {
			return 0, fmt.Errorf("a second tensor")
		}
		a.Tensor, _, err = d.tensor(f)
		return AttrTensor, err
	case 6:
		if a.Graph != nil {
			return 0, fmt.Errorf("a second graph")
		}
		a.Graph, err = d.graph(f)
		return AttrGraph, err
	case 7:
		return AttrFloats, addNumbers(&a.Floats, f, wireFixed32, ListMax, toFloat)
	case 8:
		return AttrInts, addNumbers(&a.Ints, f, wireVarint, ListMax, toInt)
	case 9:
		return AttrTexts, d.addName(&a.Texts, f)
	case 20:
		var k int64
		err := f.setInt(&k)
		a.Kind = AttrKind(k)
		return 0, err
	case 21:
		return 0, unsupported("a reference to an attribute of a function")
	}
	return 0, nil
}
