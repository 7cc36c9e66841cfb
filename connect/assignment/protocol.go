package assignment

import (
	"fmt"
	"strings"
)

// Protocol is a sub-protocol of the group: how the work is divided, and what a worker's metadata looks like. Its number is the version
// that its bytes begin with. A higher one includes the lower ones, so that a worker offers all of them and one old member takes the whole
// group down to its own. (ConnectProtocolCompatibility)
type Protocol int16

const (
	// Eager stops all work before each rebalance and assigns everything anew.
	Eager Protocol = 0
	// Compatible keeps work running through a rebalance and moves it in steps (KIP-415).
	Compatible Protocol = 1
	// Sessioned is Compatible, and requests between workers are signed with a session key (KIP-507).
	Sessioned Protocol = 2
)

// protocols have the mode, a value of connect.protocol, and the name in the group of each version.
var protocols = []struct{ mode, name string }{
	Eager:      {"eager", "default"},
	Compatible: {"compatible", "compatible"},
	Sessioned:  {"sessioned", "sessioned"},
}

// ParseProtocol reads a value of the key connect.protocol, in any case: the highest protocol that a worker offers.
func ParseProtocol(mode string) (Protocol, error) {
	for p, known := range protocols {
		if strings.EqualFold(mode, known.mode) {
			return Protocol(p), nil
		}
	}
	return 0, fmt.Errorf("connect.protocol is %q; set it to eager, compatible or sessioned", mode)
}

// ProtocolNamed is the protocol which the group's coordinator chose, by its name in the group.
func ProtocolNamed(name string) (Protocol, error) {
	for p, known := range protocols {
		if name == known.name {
			return Protocol(p), nil
		}
	}
	return 0, fmt.Errorf("the group chose the protocol %q, which no Connect worker offers; check that group.id is used by Connect workers only", name)
}

// String is the mode, as connect.protocol has it.
func (p Protocol) String() string { return protocols[p].mode }

// Name is the protocol's name in the group.
func (p Protocol) Name() string { return protocols[p].name }

// Version is what the protocol's bytes begin with.
func (p Protocol) Version() int16 { return int16(p) }

// Offers are the protocols which a worker in this mode offers, the preferred one first.
func (p Protocol) Offers() []Protocol {
	var offers []Protocol
	for ; p >= Eager; p-- {
		offers = append(offers, p)
	}
	return offers
}
