package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the documents of a YAML file; empty ones do not count.
func parseYAML(data []byte) ([]value, error) {
	var all []value
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, &parseError{cause: fmt.Errorf("this is not YAML: %w", err)}
		}
		v, err := ofNode(&document, 0)
		if err != nil {
			return nil, err
		}
		if v.kind != null {
			all = append(all, v)
		}
	}
}

func ofNode(n *yaml.Node, deep int) (value, error) {
	v := value{line: n.Line}
	if deep > depth {
		return v, &parseError{line: n.Line, cause: errDepth}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return ofNode(n.Content[0], deep)
	case yaml.AliasNode:
		return ofNode(n.Alias, deep+1)
	case yaml.SequenceNode:
		v.kind = list
		for _, item := range n.Content {
			one, err := ofNode(item, deep+1)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, one)
		}
	case yaml.MappingNode:
		return ofMapping(n, deep)
	case yaml.ScalarNode:
		if n.ShortTag() != "!!null" {
			v.kind, v.text = text, n.Value
		}
	}
	return v, nil
}

func ofMapping(n *yaml.Node, deep int) (value, error) {
	v := value{kind: object, line: n.Line}
	var merged []value
	for i := 0; i+1 < len(n.Content); i += 2 {
		one, err := ofNode(n.Content[i+1], deep+1)
		if err != nil {
			return v, err
		}
		key := n.Content[i]
		switch {
		case key.ShortTag() == "!!merge":
			merged = append(merged, one)
		case key.Kind != yaml.ScalarNode:
			return v, &parseError{line: key.Line, cause: errors.New("a key has to be a text")}
		default:
			v.members = append(v.members, member{key.Value, one})
		}
	}
	for len(merged) > 0 { // what stands in the mapping itself wins, then what was merged first
		from := merged[0]
		merged = append(from.items, merged[1:]...)
		for _, m := range from.members {
			if _, has := v.member(m.name); !has {
				v.members = append(v.members, m)
			}
		}
	}
	return v, nil
}
