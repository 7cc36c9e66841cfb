package remote

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/deadletters"
)

// queueKey names the dead letter queue of a connector.
const queueKey = "errors.deadletterqueue.topic.name"

func (s *session) dlqCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dlq", Short: "Look into dead letter queues, and send back what is in them after a fix", GroupID: groupChange,
		Long: `Look into dead letter queues, and send back what is in them after a fix. Kafka is asked directly: --bootstrap-servers and --kafka-config, or the context, say
where it is.`,
		Example: `  sluice dlq ls
  sluice dlq show lake
  sluice dlq replay lake --dry-run`,
	}
	s.target.registerKafka(cmd)
	cmd.AddCommand(s.dlqListCommand(), s.dlqShowCommand(), s.dlqReplayCommand())
	return cmd
}

// queueDocument is a queue as scripts read it.
type queueDocument struct {
	Connector string `json:"connector"`
	Queue     string `json:"queue"`
	Records   int64  `json:"records"`
	Waiting   int64  `json:"waiting"`
	Error     string `json:"error,omitempty"`
}

func (s *session) dlqListCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the connectors that have a dead letter queue, and what is in it", Args: cobra.NoArgs,
		Long: `List the connectors that have a dead letter queue (errors.deadletterqueue.topic.name), how many records are in it, and how many of them no replay has dealt
with. Offsets are counted, markers of transactions among them.

` + exitCodes,
		Example: `  sluice dlq ls
  sluice dlq ls -o json | jq '.[] | select(.waiting > 0).connector'`,
		RunE: coded(func(cmd *cobra.Command, _ []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			kafka, clients, err := s.kafka()
			if err != nil {
				return err
			}
			all, err := c.Connectors(cmd.Context())
			if err != nil {
				return err
			}
			queues := []queueDocument{}
			for _, name := range sorted(all) {
				topic := all[name].Config[queueKey]
				if topic == "" {
					continue
				}
				q := queueDocument{Connector: name, Queue: topic}
				replay := &deadletters.Replay{Queue: deadletters.Open(kafka, topic), Connector: name, Clients: clients}
				if q.Records, q.Waiting, err = replay.Backlog(cmd.Context()); err != nil {
					if cmd.Context().Err() != nil {
						return err
					}
					q.Error = err.Error()
				}
				queues = append(queues, q)
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				return out.write(page, queues)
			}
			if len(queues) == 0 {
				page.printf("No connector has a dead letter queue (%s).\n", queueKey)
				return nil
			}
			rows := new(table)
			rows.row("CONNECTOR", "QUEUE", "RECORDS", "NOT SENT BACK")
			for _, q := range queues {
				if q.Error != "" {
					rows.row(q.Connector, q.Queue, cell{"?", yellow}, cell{q.Error, yellow})
					continue
				}
				rows.row(q.Connector, q.Queue, q.Records, q.Waiting)
			}
			rows.write(page, "")
			return nil
		}),
	}
	out.register(cmd)
	return cmd
}

// queueOf is the topic of a connector's queue: the one named, or that of its configuration.
func (s *session) queueOf(cmd *cobra.Command, connector, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	c, err := s.client(cmd)
	if err != nil {
		return "", err
	}
	info, err := c.Connector(cmd.Context(), connector)
	if err != nil {
		return "", err
	}
	topic := info.Config[queueKey]
	if topic == "" {
		return "", fmt.Errorf("%s has no dead letter queue (%s): --queue names a topic", connector, queueKey)
	}
	return topic, nil
}

func (s *session) dlqShowCommand() *cobra.Command {
	var (
		out          output
		queue, stage string
		count        int
	)
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show the newest dead letters of a connector, and why they are there",
		Long: `Show the newest dead letters of a connector: when, where each came from, where and why it failed, and what it holds. -o wide shows values and traces whole.

` + exitCodes,
		Example: `  sluice dlq show lake
  sluice dlq show lake --count 1 -o wide
  sluice dlq show lake --stage VALUE_CONVERTER -o json | jq -r '.[].message'
  sluice dlq show gone --queue dead-letters          the connector itself is deleted`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeName,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			if count < 1 {
				return fmt.Errorf("--count %d: want at least 1", count)
			}
			topic, err := s.queueOf(cmd, args[0], queue)
			if err != nil {
				return err
			}
			kafka, _, err := s.kafka()
			if err != nil {
				return err
			}
			letters, err := deadletters.Open(kafka, topic).Newest(cmd.Context(), count, func(l *deadletters.Letter) bool {
				return (l.Connector == "" || l.Connector == args[0]) && (stage == "" || strings.EqualFold(stage, l.Stage))
			})
			if err != nil {
				return &Error{exitFailed, err}
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				documents := make([]letterDocument, len(letters))
				for i := range letters {
					documents[i] = letterDocumentOf(&letters[i])
				}
				return out.write(page, documents)
			}
			if len(letters) == 0 {
				page.printf("There is no such dead letter in %s.\n", topic)
			}
			for i := range letters {
				writeLetter(page, topic, &letters[i], out)
			}
			return nil
		}),
	}
	out.register(cmd)
	cmd.Flags().StringVar(&queue, "queue", "", "the queue's topic, in place of that of the connector's configuration")
	cmd.Flags().StringVar(&stage, "stage", "", "only those that failed there: VALUE_CONVERTER, TRANSFORMATION, TASK_PUT, ...")
	cmd.Flags().IntVarP(&count, "count", "n", 10, "how many")
	return cmd
}

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
		facts.row("because", cell{oneLine(cmp.Or(l.Message, l.Exception)), yellow})
	}
	facts.row("key", legible(l.Key, out))
	facts.row("value", legible(l.Value, out))
	for _, h := range l.Headers {
		facts.row("header", fmt.Sprintf("%s = %s", h.Key, legible(h.Value, out)))
	}
	facts.write(page, "  ")
	if out == asWide {
		for line := range strings.SplitSeq(strings.TrimSpace(l.Trace), "\n") {
			page.printf("    %s\n", line)
		}
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

func (s *session) dlqReplayCommand() *cobra.Command {
	var (
		queue, to                   string
		asPolled, dryRun, yes, skip bool
	)
	cmd := &cobra.Command{
		Use: "replay NAME", Short: "Send the dead letters of a connector back to the topics that they came from",
		Long: `Send the dead letters of a connector back to the topics, and partitions, that they came from: key, value, headers and time exactly as they were, without the
headers that tell of the error. Do it when the cause is gone, for what fails again comes back into the queue.

How far it has come is kept in Kafka (consumer group sluice-replay-NAME), in the same transactions as the records: a second replay sends only what has come
since, whatever ended the first. Nothing is taken out of the queue. If there are letters that cannot be sent, nothing is, unless --skip is said.

` + exitCodes,
		Example: `  sluice dlq replay lake --dry-run
  sluice dlq replay lake --yes
  sluice dlq replay lake --to lines          letters without context headers go there
  sluice dlq replay gone --queue dead-letters`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeName,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			topic, err := s.queueOf(cmd, args[0], queue)
			if err != nil {
				return err
			}
			kafka, clients, err := s.kafka()
			if err != nil {
				return err
			}
			r := &deadletters.Replay{Queue: deadletters.Open(kafka, topic), Connector: args[0], Clients: clients, To: to, AsPolled: asPolled}
			page := newScreen(cmd.OutOrStdout())
			outlook, err := r.Look(cmd.Context())
			if err != nil {
				return &Error{exitFailed, err}
			}
			writeOutlook(page, topic, args[0], outlook)
			switch {
			case outlook.Refusals() > 0 && !skip:
				return &Error{exitFailed, errors.New("nothing was sent: --skip sends the others, and passes over these for good")}
			case dryRun && outlook.Sent > 0:
				return &Error{code: exitDiffers}
			case dryRun || outlook.Sent == 0 && outlook.Refusals() == 0:
				return nil
			}
			if err := confirm(cmd, fmt.Sprintf("send %s", counted(outlook.Sent, "letter", "letters")), yes); err != nil {
				return err
			}
			r.Waiting = func(cause error, _ time.Time) {
				if cause != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "sluice: Kafka does not take the records yet: %v\n", cause)
				}
			}
			return replay(cmd.Context(), page, r, outlook)
		}),
	}
	cmd.Flags().StringVar(&queue, "queue", "", "the queue's topic, in place of that of the connector's configuration")
	cmd.Flags().StringVar(&to, "to", "", "topic for letters that do not say where they came from")
	cmd.Flags().BoolVar(&asPolled, "as-polled", false, "letters of a source, too, as they are: no converter has written them")
	cmd.Flags().BoolVar(&skip, "skip", false, "pass over letters that cannot be sent")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "tell what would be sent; exit code 6 if there is anything")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// writeOutlook tells what a replay would do.
func writeOutlook(page *screen, queue, connector string, o *deadletters.Outlook) {
	if o.Forgotten {
		page.printf("%s\n", page.paint(yellow, "what was remembered is behind the end of "+queue+", which was made anew: it is read from its beginning"))
	}
	page.printf("%s of %s in %s to send", counted(o.Sent, "letter", "letters"), connector, queue)
	if o.Before > 0 {
		page.printf(" (%s dealt with before)", counted(int(o.Before), "offset was", "offsets were"))
	}
	page.printf("\n")
	rows := new(table)
	for _, topic := range sorted(o.Topics) {
		rows.row(o.Topics[topic], "to "+topic)
	}
	for _, reason := range sorted(o.Refused) {
		rows.row(cell{fmt.Sprint(o.Refused[reason]), red}, cell{"cannot be sent: " + reason, red})
	}
	if o.Others > 0 {
		rows.row(cell{fmt.Sprint(o.Others), dim}, cell{"of other connectors stay", dim})
	}
	rows.write(page, "  ")
}

// replay sends, and shows how far it has come: on a terminal on one line.
func replay(ctx context.Context, page *screen, r *deadletters.Replay, o *deadletters.Outlook) error {
	total := o.Sent
	sent, err := r.Run(ctx, o, func(sent int) {
		if page.live {
			page.printf("\r\x1b[Ksent %d of %d", sent, total)
		}
	})
	if page.live {
		page.printf("\r\x1b[K")
	}
	page.printf("sent %d of %d\n", sent, total)
	if err != nil && ctx.Err() == nil {
		return &Error{exitFailed, fmt.Errorf("after %d letters, which stay sent and remembered: %w", sent, err)}
	}
	return err
}
