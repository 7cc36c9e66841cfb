package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/manifests"
	"github.com/sluice-connect/sluice/connect/stores"
)

func (s *session) offsetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "offsets", Short: "Look at how far a connector has come, set it back or forward, or forget it", GroupID: groupChange,
		Example: `  sluice offsets get lake
  sluice stop lake --wait && sluice offsets set lake lines:0=42 && sluice resume lake
  sluice offsets reset sensors --yes`,
	}
	s.target.registerKafka(cmd)
	cmd.AddCommand(s.offsetsGetCommand(), s.offsetsSetCommand(), s.offsetsResetCommand())
	return cmd
}

func (s *session) offsetsGetCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Show the offsets of a connector",
		Long: `Show the offsets of a connector: those of a sink's consumer group, with the lag where it is known where Kafka is, or those that a source has stored.

` + exitCodes,
		Example: `  sluice offsets get lake --bootstrap-servers kafka:9092
  sluice offsets get sensors -o json > offsets.json`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeName,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			offsets, err := c.Offsets(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				return out.write(page, offsets)
			}
			return s.writeOffsets(cmd.Context(), page, offsets, "", 0)
		}),
	}
	out.register(cmd)
	return cmd
}

// writeOffsets shows offsets, at most so many rows of them, 0 for all.
func (s *session) writeOffsets(ctx context.Context, page *screen, offsets herder.ConnectorOffsets, indent string, most int) error {
	if len(offsets.Offsets) == 0 {
		page.printf("%snone yet\n", indent)
		return nil
	}
	rows := new(table)
	sink, isSink := places(offsets)
	note := ""
	if isSink {
		kafka, _, err := s.kafka()
		switch {
		case err == nil:
			if err := addLags(ctx, kafka, sink); err != nil {
				note = "the lag cannot be told: " + err.Error()
			}
		case errors.Is(err, errNoKafka):
			note = "the lag is not known: --bootstrap-servers, or the context, has to say where Kafka is"
		default:
			return err
		}
		rows.row("TOPIC", "PARTITION", "OFFSET", "LAG")
		for _, p := range sink {
			lag := "?"
			if p.Lag != nil {
				lag = strconv.FormatInt(*p.Lag, 10)
			}
			rows.row(p.Topic, p.Partition, p.Offset, lag)
		}
	} else {
		rows.row("PARTITION", "OFFSET")
		for _, o := range offsets.Offsets {
			rows.row(jsonText(o.Partition), jsonText(o.Offset))
		}
	}
	more := len(rows.rows) - 1 - most
	if most > 0 && more > 0 {
		rows.rows = rows.rows[:1+most]
	}
	rows.write(page, indent)
	if most > 0 && more > 0 {
		page.printf("%s... and %d more\n", indent, more)
	}
	if note != "" {
		page.printf("%s%s\n", indent, page.paint(dim, note))
	}
	return nil
}

func jsonText(m stores.Members) string {
	text, err := m.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// offsetFlags say what offsets a connector is to have.
type offsetFlags struct {
	file, partition, offset string
	dryRun                  bool
}

func (s *session) offsetsSetCommand() *cobra.Command {
	var o offsetFlags
	cmd := &cobra.Command{
		Use: "set NAME [TOPIC:PARTITION=OFFSET ...]", Short: "Change offsets of a stopped connector",
		Long: `Change offsets of a stopped connector (` + "`sluice stop NAME --wait`" + `). Those of a sink are given as topic:partition=offset, those of a source by --partition and
--offset as JSON, and either as a file with what ` + "`sluice offsets get NAME -o json`" + ` writes. An offset that is null is forgotten. Others stay as they are.

` + exitCodes,
		Example: `  sluice offsets set lake lines:0=42 lines:1=null
  sluice offsets set reader --partition '{"filename":"/var/log/app"}' --offset '{"position":0}'
  sluice offsets set lake -f offsets.json --dry-run`,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeName,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			wanted, err := o.read(cmd, args[1:])
			if err != nil {
				return err
			}
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			before, err := c.Offsets(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			differs := writeOffsetChanges(page, before, wanted)
			if o.dryRun {
				if differs {
					return &Error{code: exitDiffers}
				}
				return nil
			}
			said, err := c.AlterOffsets(cmd.Context(), args[0], wanted)
			return offsetsDone(page, args[0], said, err)
		}),
	}
	cmd.Flags().StringVarP(&o.file, "filename", "f", "", "JSON file with offsets, or - for standard input")
	cmd.Flags().StringVar(&o.partition, "partition", "", "JSON: a source's partition")
	cmd.Flags().StringVar(&o.offset, "offset", "", "JSON: its offset, or null")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change; exit code 6 if something would")
	return cmd
}

// read is what is wanted, of whichever form.
func (o offsetFlags) read(cmd *cobra.Command, pairs []string) (wanted herder.ConnectorOffsets, err error) {
	forms := 0
	for _, given := range []bool{len(pairs) > 0, o.file != "", o.partition != "" || o.offset != ""} {
		if given {
			forms++
		}
	}
	if forms != 1 {
		return wanted, errors.New("say what offsets the connector shall have: as TOPIC:PARTITION=OFFSET ..., by --partition and --offset, or by -f")
	}
	switch {
	case o.file != "":
		data, err := readPath(cmd, o.file)
		if err != nil {
			return wanted, err
		}
		if err := json.Unmarshal(data, &wanted); err != nil || len(wanted.Offsets) == 0 {
			return wanted, fmt.Errorf(`%s: want {"offsets": [{"partition": {...}, "offset": {...}}, ...]} (%v)`, o.file, err)
		}
		return wanted, nil
	case len(pairs) > 0:
		for _, pair := range pairs {
			one, err := parsePlace(pair)
			if err != nil {
				return wanted, err
			}
			wanted.Offsets = append(wanted.Offsets, one)
		}
		return wanted, nil
	}
	var one herder.ConnectorOffset
	if err := json.Unmarshal([]byte(o.partition), &one.Partition); err != nil || one.Partition == nil {
		return wanted, fmt.Errorf("--partition: want JSON such as '{\"filename\":\"/var/log/app\"}' (`sluice offsets get NAME` shows those there are)")
	}
	if err := json.Unmarshal([]byte(o.offset), &one.Offset); err != nil {
		return wanted, fmt.Errorf("--offset: want JSON such as '{\"position\":0}', or null")
	}
	wanted.Offsets = append(wanted.Offsets, one)
	return wanted, nil
}

func readPath(cmd *cobra.Command, path string) ([]byte, error) {
	if path == manifests.Stdin {
		return io.ReadAll(cmd.InOrStdin())
	}
	return os.ReadFile(path)
}

// parsePlace reads topic:partition=offset.
func parsePlace(text string) (o herder.ConnectorOffset, err error) {
	wrong := fmt.Errorf("%s: want TOPIC:PARTITION=OFFSET, where null forgets the offset", text)
	left, offset, ok := strings.Cut(text, "=")
	colon := strings.LastIndexByte(left, ':')
	if !ok || colon < 1 {
		return o, wrong
	}
	partition, err := strconv.ParseInt(left[colon+1:], 10, 32)
	if err != nil || partition < 0 {
		return o, wrong
	}
	o.Partition = stores.Members{{Name: "kafka_topic", Value: connect.String(left[:colon])}, {Name: "kafka_partition", Value: connect.Int64(partition)}}
	if offset == "null" {
		return o, nil
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || n < 0 {
		return o, wrong
	}
	o.Offset = stores.Members{{Name: "kafka_offset", Value: connect.Int64(n)}}
	return o, nil
}

// writeOffsetChanges shows what would change, and reports whether anything would.
func writeOffsetChanges(page *screen, before, wanted herder.ConnectorOffsets) (differs bool) {
	have := map[string]string{}
	for _, o := range before.Offsets {
		have[jsonText(o.Partition.Sorted())] = jsonText(o.Offset.Sorted())
	}
	rows := new(table)
	for _, o := range wanted.Offsets {
		from, to := have[jsonText(o.Partition.Sorted())], jsonText(o.Offset.Sorted())
		if from == "" {
			from = "null"
		}
		if from == to || from == "null" && o.Offset == nil {
			rows.row(cell{"  " + jsonText(o.Partition), dim}, cell{to, dim})
			continue
		}
		differs = true
		rows.row(cell{"~ " + jsonText(o.Partition), yellow}, from+" -> "+to)
	}
	rows.write(page, "")
	return differs
}

// offsetsDone tells what a worker said to a change of offsets.
func offsetsDone(page *screen, name, said string, err error) error {
	if no := new(client.RefusedError); errors.As(err, &no) && (strings.Contains(no.Message, "STOPPED state") || strings.Contains(no.Message, "haven't stopped completely")) {
		return &Error{exitFailed, &hint{err, fmt.Sprintf("sluice stop %s --wait, then this again, then sluice resume %s", name, name)}}
	}
	if err != nil {
		return err
	}
	page.printf("%s\n", said)
	return nil
}

func (s *session) offsetsResetCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "reset NAME", Short: "Forget all offsets of a stopped connector, which then begins anew",
		Long: "Forget all offsets of a stopped connector (`sluice stop NAME --wait`), which then begins anew: it shows them before, and asks.\n\n" + exitCodes,
		Example: `  sluice offsets reset sensors
  sluice offsets reset sensors --yes`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeName,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			before, err := c.Offsets(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			rows := new(table)
			for _, o := range before.Offsets {
				rows.row(cell{"- " + jsonText(o.Partition), red}, cell{jsonText(o.Offset), dim})
			}
			rows.write(page, "")
			if err := confirm(cmd, fmt.Sprintf("forget %s of %s", counted(len(before.Offsets), "offset", "offsets"), args[0]), yes); err != nil {
				return err
			}
			said, err := c.ResetOffsets(cmd.Context(), args[0])
			return offsetsDone(page, args[0], said, err)
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
