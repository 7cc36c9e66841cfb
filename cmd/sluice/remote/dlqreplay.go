package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/deadletters"
)

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
				return kafkaFailed(err)
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
		return kafkaFailed(fmt.Errorf("after %d letters, which stay sent and remembered: %w", sent, err))
	}
	return err
}
