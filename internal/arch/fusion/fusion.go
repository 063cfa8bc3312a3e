// Package fusion finds products of floats that a compiler may fuse with a sum.
//
// Go lets a compiler compute x*y + z with one rounding, across statements and calls, wherever the product
// is not converted explicitly; it does so on arm64, ppc64le, riscv64, s390x and, from GOAMD64=v3 on, on
// amd64. The bits of compute/ may not depend on that (docs/protocol/aiw-1.md), so that there a product of
// floats must be one of these:
//
//   - the operand of an explicit conversion: float32(x*y);
//   - a factor, divisor or dividend: (x*y)*z, whose own result is looked at next;
//   - compared: x*y < z;
//   - constant.
//
// Products kept in variables, passed to functions, negated, in parentheses, or made by *= count as meeting
// a sum somewhere. Type parameters count as floats if one of their types is one.
//
// The test of this package looks at all of compute/; .ci/lint runs it.
package fusion

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A Finding is a product that is not protected.
type Finding struct {
	Position token.Position
	Text     string
}

// Find looks at the files of a package that has been checked.
func Find(fset *token.FileSet, files []*ast.File, info *types.Info) (list []Finding) {
	s := search{info: info, add: func(n ast.Node, text string) {
		list = append(list, Finding{fset.Position(n.Pos()), text})
	}}
	for _, f := range files {
		ast.Inspect(f, s.visit)
	}
	return list
}

type search struct {
	info *types.Info
	path []ast.Node // from the file to the node that is visited
	add  func(n ast.Node, text string)
}

func (s *search) visit(n ast.Node) bool {
	if n == nil {
		s.path = s.path[:len(s.path)-1]
		return true
	}
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.MUL && s.float(n) && !s.protected() {
			s.add(n, "a product of floats without a conversion: "+types.ExprString(n))
		}
	case *ast.AssignStmt:
		if n.Tok == token.MUL_ASSIGN && s.float(n.Lhs[0]) {
			s.add(n, "a product of floats by *=, which cannot be converted: "+types.ExprString(n.Lhs[0]))
		}
	}
	s.path = append(s.path, n)
	return true
}

// protected looks at what surrounds the node that is visited.
func (s *search) protected() bool {
	for i := len(s.path) - 1; i >= 0; i-- {
		switch outer := s.path[i].(type) {
		case *ast.ParenExpr:
			continue
		case *ast.BinaryExpr:
			switch outer.Op {
			case token.MUL, token.QUO, token.LSS, token.LEQ, token.GTR, token.GEQ, token.EQL, token.NEQ:
				return true
			}
		case *ast.UnaryExpr:
			if outer.Op == token.SUB {
				continue // the sign does not round
			}
		case *ast.CallExpr:
			return s.info.Types[outer.Fun].IsType()
		}
		return false
	}
	return false
}

// float says whether an expression is a float and no constant.
func (s *search) float(e ast.Expr) bool {
	t, ok := s.info.Types[e]
	return ok && t.Value == nil && holdsFloat(t.Type)
}

func holdsFloat(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsFloat|types.IsComplex) != 0
	case *types.Interface: // of a type parameter: the types it may be
		for etyp := range u.EmbeddedTypes() {
			if holdsFloat(etyp) {
				return true
			}
		}
	case *types.Union:
		for term := range u.Terms() {
			if holdsFloat(term.Type()) {
				return true
			}
		}
	}
	return false
}
