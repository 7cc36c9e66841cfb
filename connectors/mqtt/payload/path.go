package payload

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Path is a place in a decoded payload: $.device.id, $['a name'], $.list[0], $.list[-1].
type Path []step

// step is a member's name, or an index where name is not set.
type step struct {
	name  string
	index int
	named bool
}

// ParsePath reads a path; its $ may be missing.
func ParsePath(text string) (Path, error) {
	wrong := fmt.Errorf("%q is not a path: write $.device.id, $['a name'] or $.list[0]", text)
	rest := strings.TrimPrefix(text, "$")
	if rest == text && rest != "" && rest[0] != '[' {
		rest = "." + rest
	}
	var p Path
	for rest != "" {
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			if end == 1 {
				return nil, wrong
			}
			p = append(p, step{name: rest[1:end], named: true})
			rest = rest[end:]
		case strings.HasPrefix(rest, "['"):
			end := strings.Index(rest, "']")
			if end < 0 {
				return nil, wrong
			}
			p = append(p, step{name: rest[2:end], named: true})
			rest = rest[end+2:]
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, wrong
			}
			n, err := strconv.Atoi(rest[1:end])
			if err != nil {
				return nil, wrong
			}
			p = append(p, step{index: n})
			rest = rest[end+1:]
		default:
			return nil, wrong
		}
	}
	return p, nil
}

// Of finds the value; false where there is none.
func (p Path) Of(v connect.Value) (connect.Value, bool) {
	for _, s := range p {
		switch {
		case s.named && v.Kind() == connect.KindMap:
			next, ok := v.Map().Get(connect.String(s.name))
			if !ok {
				return connect.Value{}, false
			}
			v = next
		case s.named && v.Kind() == connect.KindStruct:
			if v.Struct().Schema().Index(s.name) < 0 {
				return connect.Value{}, false
			}
			v = v.Struct().Get(s.name)
		case !s.named && v.Kind() == connect.KindArray:
			list := v.Array()
			at := s.index
			if at < 0 {
				at += len(list)
			}
			if at < 0 || at >= len(list) {
				return connect.Value{}, false
			}
			v = list[at]
		default:
			return connect.Value{}, false
		}
	}
	return v, true
}
