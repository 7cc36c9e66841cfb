package validation

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// clientKeyTable has a line for each key of Java's clients of Kafka 4.1, written by testdata/ClientKeys.java: whose it is (P producer, C consumer,
// A admin client), its name, type, importance and default, where "-" is none, "~" null, and anything else stands behind "=".
//
//go:embed clientkeys.tsv
var clientKeyTable string

// clientKeys are the definitions of the keys of each kind of client.
var clientKeys = sync.OnceValue(func() map[Client]connect.ConfigDef {
	keys := map[Client]connect.ConfigDef{}
	for line := range strings.Lines(clientKeyTable) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(columns) != 5 {
			panic(fmt.Sprintf("clientkeys.tsv: %q is no line of five columns", line))
		}
		k := connect.KeyDef{
			Name: columns[1], Type: connect.Type(columns[2]), Importance: connect.Importance(columns[3]), Width: connect.WidthNone, Order: -1,
		}
		if text, given := strings.CutPrefix(columns[4], "="); given {
			k.Default = connect.TextDefault(text)
		} else if columns[4] == "~" {
			k.Default = connect.NullDefault()
		}
		for _, c := range []Client{Producer, Consumer, Admin} {
			if strings.Contains(columns[0], c.letter()) {
				keys[c] = append(keys[c], k)
			}
		}
	}
	return keys
})

// Client is a kind of client of Kafka, as the keys that override its settings begin.
type Client string

// The kinds of clients that a connector's tasks may have.
const (
	Producer Client = "producer"
	Consumer Client = "consumer"
	Admin    Client = "admin"
)

// letter stands for the kind in the table.
func (c Client) letter() string { return strings.ToUpper(string(c[:1])) }

func (c Client) prefix() string { return string(c) + ".override." }
