package wire

import (
	"strings"
	"unsafe"
)

// names gives texts that come again and again, such as topics, the same memory each time. That memory is not a message's, since whoever keeps a topic's name
// would keep the message.
type names struct {
	last  string
	table [128]string
	spent int // copies made for this message
}

// maxCopies is how many texts of a message are copied; with more of them than the table holds the others share the message.
const maxCopies = 256

// begin starts a message.
func (n *names) begin() { n.spent = 0 }

func (n *names) text(p []byte) string {
	if string(p) == n.last {
		return n.last
	}
	return n.other(p)
}

func (n *names) other(p []byte) string {
	if len(p) == 0 {
		return ""
	}
	first := &n.table[place(p)]
	if string(p) == *first {
		n.last = *first
		return n.last
	}
	second := &n.table[place(p)^1]
	if string(p) != *second {
		if n.spent == maxCopies || len(p) > 1024 {
			return alias(p)
		}
		n.spent++
		*second, *first = *first, string(p)
		second = first
	}
	n.last = *second
	return n.last
}

// place is where in the table a text has its first choice.
func place(p []byte) uint32 {
	h := uint32(len(p))
	for _, c := range p[max(0, len(p)-8):] {
		h = (h ^ uint32(c)) * 16777619
	}
	return (h ^ h>>15) * 0x85ebca6b >> 25
}

// alias is p as a text that shares its memory.
func alias(p []byte) string { return unsafe.String(unsafe.SliceData(p), len(p)) }

// copied is a text of the same letters in memory of its own.
func copied(text string) string { return strings.Clone(text) }
