package formula

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// path is a chain of names and indices that a formula follows from the message: ["a", "b", 0, "x y"].
type path []any

// in follows the path; ok is false where it leads nowhere.
func (p path) in(names map[string]any) (v any, ok bool) {
	v = names
	for _, step := range p {
		switch s := step.(type) {
		case string:
			object, is := v.(map[string]any)
			if !is {
				return nil, false
			}
			if v, ok = object[s]; !ok {
				return nil, false
			}
		case int:
			list, is := v.([]any)
			if is && s < 0 {
				s += len(list)
			}
			if !is || s < 0 || s >= len(list) {
				return nil, false
			}
			v = list[s]
		}
	}
	return v, true
}

// visitor finds the paths of a formula and refuses what formulas may not use. The language calls it for every node, those that
// hang on others first.
type visitor struct {
	found map[ast.Node]path // of nodes that are a path
	order []ast.Node
	inner map[ast.Node]bool // paths that another one goes on from
	err   error
}

// Visit implements ast.Visitor.
func (v *visitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value[0] == '$' && n.Value != rootName {
			v.refuse(n, "there is no such name")
			return
		}
		v.add(n, path{n.Value})
	case *ast.ChainNode:
		if p, ok := v.found[n.Node]; ok {
			v.inner[n.Node] = true
			v.add(n, p)
		}
	case *ast.MemberNode:
		v.member(n)
	case *ast.CallNode:
		v.call(node, n)
	case *ast.BinaryNode:
		if n.Operator == ".." {
			v.refuse(n, "a range is not for formulas")
		}
	case *ast.PredicateNode, *ast.PointerNode, *ast.VariableDeclaratorNode:
		v.refuse(n, "loops and variables are not for formulas")
	}
}

func (v *visitor) add(n ast.Node, p path) {
	if v.found == nil {
		v.found, v.inner = map[ast.Node]path{}, map[ast.Node]bool{}
	}
	v.found[n] = p
	v.order = append(v.order, n)
}

func (v *visitor) member(n *ast.MemberNode) {
	p, ok := v.found[n.Node]
	if !ok {
		return
	}
	switch step := n.Property.(type) {
	case *ast.StringNode:
		v.inner[n.Node] = true
		v.add(n, append(p[:len(p):len(p)], step.Value))
	case *ast.IntegerNode:
		v.inner[n.Node] = true
		v.add(n, append(p[:len(p):len(p)], step.Value))
	}
}

// call refuses unknown functions, and turns topic(i) into the i-th level of the message's topic.
func (v *visitor) call(node *ast.Node, n *ast.CallNode) {
	name, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || !slices.Contains(ours, name.Value) {
		v.refuse(n, "there is no such function; there are "+strings.Join(append(builtins[:len(builtins):len(builtins)], ours...), ", "))
		return
	}
	v.inner[n.Callee] = true
	if name.Value != "topic" {
		return
	}
	if len(n.Arguments) != 1 {
		v.refuse(n, "topic() has one argument, the level from 0")
		return
	}
	ast.Patch(node, &ast.MemberNode{Node: &ast.IdentifierNode{Value: topicName}, Property: n.Arguments[0]})
}

func (v *visitor) refuse(n ast.Node, why string) {
	if v.err == nil {
		v.err = fmt.Errorf("column %d: %s", n.Location().From+1, why)
	}
}

// paths gives the longest paths: those from which no other goes on.
func (v *visitor) paths() []path {
	var list []path
	for _, n := range v.order {
		if !v.inner[n] {
			list = append(list, v.found[n])
		}
	}
	return list
}
