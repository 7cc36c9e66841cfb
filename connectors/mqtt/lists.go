package mqtt

import (
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// list is a LIST key whose entries may hold commas, written as \, : MQTT topic filters do.
type list struct{ connect.Key[[]string] }

func listKey(name, doc string) list { return list{connect.ListKey(name, doc)} }

func (l list) Optional() list                       { return list{l.Key.Optional()} }
func (l list) Importance(i connect.Importance) list { return list{l.Key.Importance(i)} }
func (l list) Group(g string, n int, w connect.Width, d string) list {
	return list{l.Key.Group(g, n, w, d)}
}

// Default is what an unset key stands for.
func (l list) Default(entries ...string) list { return list{l.Key.Default(entries)} }

// Get reads the entries, or the default.
func (l list) Get(cfg connect.Config) []string {
	if text, given := cfg[l.Name()]; given {
		return splitList(text)
	}
	return l.Key.Get(cfg)
}

func splitList(text string) []string {
	var list []string
	var entry strings.Builder
	add := func() {
		if e := strings.TrimSpace(entry.String()); e != "" {
			list = append(list, e)
		}
		entry.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == ',':
			entry.WriteByte(',')
			i++
		case text[i] == ',':
			add()
		default:
			entry.WriteByte(text[i])
		}
	}
	add()
	return list
}

func joinList(list []string) string {
	escaped := make([]string, len(list))
	for i, e := range list {
		escaped[i] = strings.ReplaceAll(e, ",", `\,`)
	}
	return strings.Join(escaped, ",")
}
