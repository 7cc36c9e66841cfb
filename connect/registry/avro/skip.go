package avro

import (
	"fmt"
)

// skip reads a value of a type that nobody wants.
func skip(n *node, s *source) (err error) {
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("more than %d levels", maxDepth)
	}
	defer func() { s.depth-- }()
	switch n.kind {
	case kindNull:
	case kindBoolean:
		_, err = s.take(1)
	case kindInt, kindLong, kindEnum:
		_, err = s.long()
	case kindFloat:
		_, err = s.take(4)
	case kindDouble:
		_, err = s.take(8)
	case kindString, kindBytes:
		_, err = s.bytes()
	case kindFixed:
		_, err = s.take(int64(n.size))
	case kindUnion:
		var i int64
		if i, err = s.long(); err != nil {
			return err
		}
		if i < 0 || i >= int64(len(n.branches)) {
			return fmt.Errorf("a union has no branch %d", i)
		}
		return skip(n.branches[i], s)
	case kindRecord:
		for _, f := range n.fields {
			if err = skip(f.node, s); err != nil {
				return err
			}
		}
	default:
		return skipItems(n, s)
	}
	return err
}

func skipItems(n *node, s *source) error {
	size := least(n.items, map[*node]int{})
	for {
		count, err := s.block(size)
		if err != nil || count == 0 {
			return err
		}
		for range count {
			if n.kind == kindMap {
				if _, err := s.bytes(); err != nil {
					return err
				}
			}
			if err := skip(n.items, s); err != nil {
				return err
			}
		}
	}
}
