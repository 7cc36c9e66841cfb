package remote

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/connect/deadletters"
)

// letterDocument is a letter as scripts read it. Bytes that are no UTF-8 text are base64.
type letterDocument struct {
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
	From      string    `json:"from,omitempty"`
	FromPart  *int32    `json:"from_partition,omitempty"`
	FromOff   *int64    `json:"from_offset,omitempty"`
	SourcePos string    `json:"source_partition,omitempty"`
	SourceOff string    `json:"source_offset,omitempty"`
	Connector string    `json:"connector,omitempty"`
	Task      string    `json:"task,omitempty"`
	Stage     string    `json:"stage,omitempty"`
	Class     string    `json:"class,omitempty"`
	Exception string    `json:"exception,omitempty"`
	Message   string    `json:"message,omitempty"`
	Trace     string    `json:"trace,omitempty"`
	Key       content   `json:"key"`
	Value     content   `json:"value"`
	Headers   []headers `json:"headers"`
}

type headers struct {
	Name  string  `json:"name"`
	Value content `json:"value"`
}

// content is bytes of a record; both are nil for null.
type content struct {
	Text   *string `json:"text,omitempty"`
	Base64 *string `json:"base64,omitempty"`
}

func contentOf(b []byte) (c content) {
	switch {
	case b == nil:
	case utf8.Valid(b):
		text := string(b)
		c.Text = &text
	default:
		text := base64.StdEncoding.EncodeToString(b)
		c.Base64 = &text
	}
	return c
}

func letterDocumentOf(l *deadletters.Letter) letterDocument {
	d := letterDocument{
		Partition: l.At.Partition, Offset: l.At.Offset, Timestamp: l.Timestamp.UTC(), From: l.Topic, SourcePos: l.SourcePartition, SourceOff: l.SourceOffset,
		Connector: l.Connector, Task: l.Task, Stage: l.Stage, Class: l.Class, Exception: l.Exception, Message: l.Message, Trace: l.Trace,
		Key: contentOf(l.Key), Value: contentOf(l.Value), Headers: []headers{},
	}
	if l.Context.Partition >= 0 {
		d.FromPart, d.FromOff = &l.Context.Partition, &l.Context.Offset
	}
	for _, h := range l.Headers {
		d.Headers = append(d.Headers, headers{string(h.Key), contentOf(h.Value)})
	}
	return d
}

// shownBytes is how much of a value stands on a page that is not wide.
const shownBytes = 200

func writeLetter(page *screen, queue string, l *deadletters.Letter, out output) {
	page.printf("%s  %s\n", page.paint(bold, fmt.Sprintf("%s-%d at %d", queue, l.At.Partition, l.At.Offset)), l.Timestamp.UTC().Format(time.RFC3339Nano))
	facts := new(table)
	switch {
	case l.Topic == "":
		facts.row("from", "it does not say (errors.deadletterqueue.context.headers.enable was off)")
	case l.Source:
		facts.row("from", fmt.Sprintf("%s %s, meant for %s", l.SourcePartition, l.SourceOffset, l.Topic))
	default:
		facts.row("from", fmt.Sprintf("%s-%d at %d", l.Topic, l.Context.Partition, l.Offset))
	}
	if l.Stage != "" {
		facts.row("failed in", fmt.Sprintf("%s, %s, task %s", l.Stage, l.Class[strings.LastIndexByte(l.Class, '.')+1:], l.Task))
		facts.row("because", cell{oneLine(strings.TrimSuffix(cmp.Or(l.Message, l.Exception), ": ")), yellow})
		if cause := reason(l.Trace); cause != firstLine(l.Trace) {
			facts.row("caused by", cell{oneLine(cause), yellow})
		}
	}
	facts.row("key", legible(l.Key, out))
	facts.row("value", legible(l.Value, out))
	for _, h := range l.Headers {
		facts.row("header", fmt.Sprintf("%s = %s", h.Key, legible(h.Value, out)))
	}
	facts.write(page, "  ")
	if out == asWide {
		writeTrace(page, l.Trace, out)
	}
}

// legible is bytes for people.
func legible(b []byte, out output) string {
	if b == nil {
		return "null"
	}
	cut := ""
	if len(b) > shownBytes && out != asWide {
		cut = fmt.Sprintf("... (%d bytes)", len(b))
		b = b[:shownBytes]
		for len(b) > 0 && !utf8.Valid(b) && !utf8.RuneStart(b[len(b)-1]) {
			b = b[:len(b)-1]
		}
	}
	if utf8.Valid(b) {
		return oneLine(printable(string(b))) + cut
	}
	return fmt.Sprintf("hex %x", b) + cut
}

// printable keeps a record from commanding the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, text)
}
