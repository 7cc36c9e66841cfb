package file

import "github.com/sluice-connect/sluice/connect"

type textKey struct{ def connect.KeyDef }

func (k textKey) Definition() connect.KeyDef    { return k.def }
func (k textKey) Get(cfg connect.Config) string { return cfg[k.def.Name] }
func (k textKey) Name() string                  { return k.def.Name }

type intKey struct{ textKey }

func (k intKey) Get(cfg connect.Config) int {
	if s, ok := cfg[k.def.Name]; ok {
		n := 0
		for _, c := range s {
			n = n*10 + int(c-'0')
		}
		return n
	}
	return 2000
}

var (
	sourceFile = textKey{connect.KeyDef{Name: "file"}}
	sinkFile   = textKey{connect.KeyDef{Name: "file"}}
	topic      = textKey{connect.KeyDef{Name: "topic"}}
	batchSize  = intKey{textKey{connect.KeyDef{Name: "batch.size"}}}
)
