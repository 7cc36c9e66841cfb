package remote

import (
	"fmt"
	"strings"

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
				return kafkaFailed(err)
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
