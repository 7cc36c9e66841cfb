package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/migration"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// Exit codes of `sluice migrate check`, beside those of all commands.
const (
	exitNotAll = 1 // something would not run here
	exitUntold = 2 // it could not be told
)

// readPatience is how long reading the topics may take, unless --timeout says otherwise.
const readPatience = 30 * time.Second

// migrateOptions are the flags of `sluice migrate check`.
type migrateOptions struct {
	worker   string
	output   string
	systems  bool
	patience time.Duration
	set      []string
}

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Look at a Java Kafka Connect cluster before Sluice takes its place"}
	cmd.AddCommand(migrateCheckCommand())
	return cmd
}

func migrateCheckCommand() *cobra.Command {
	var (
		o  migrateOptions
		lf logFlags
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell what of a Java cluster would run here, connector by connector and key by key",
		Long: `Read the topics of a Java Kafka Connect cluster, running or stopped, and tell, connector by connector and key by key, what would run here, what would not
and why. Nothing is touched: no topic is created or written to, no group is joined. Values of configurations are not shown.

The exit code is 0 when every connector would run here, 1 when one would not, and 2 when it could not be told.`,
		Example: `  sluice migrate check --worker connect-distributed.properties
  sluice migrate check --worker connect-distributed.properties --set bootstrap.servers=kafka:9092
  sluice migrate check --worker connect-distributed.properties --connect     also tries the connectors' own systems
  sluice migrate check --worker connect-distributed.properties -o json | jq '.connectors[] | select(.runs | not).name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := lf.open(os.Stderr)
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), log)
		},
	}
	cmd.Flags().StringVar(&o.worker, "worker", "", "the properties file of one of the cluster's workers")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "json")
	cmd.Flags().BoolVar(&o.systems, "connect", false, "have connectors check their configurations by connecting to their systems")
	cmd.Flags().DurationVar(&o.patience, "timeout", readPatience, "how long reading the topics may take")
	cmd.Flags().StringArrayVar(&o.set, "set", nil, "key=value, over file and environment; may be repeated")
	_ = cmd.MarkFlagRequired("worker") // it fails only for a flag that is not there
	lf.register(cmd, "error")
	return cmd
}

func (o migrateOptions) run(ctx context.Context, out io.Writer, log *slog.Logger) error {
	if o.output != "" && o.output != "json" {
		return fmt.Errorf("--output: %q is not json", o.output)
	}
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	report, err := o.look(ctx, log)
	if err != nil {
		return &exitError{exitUntold, err}
	}
	if o.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		report.Write(out)
	}
	if err == nil && (report.Blocked() || report.Ready() < len(report.Connectors)) {
		err = &exitError{exitNotAll, errors.New("not everything would run here")}
	}
	return err
}

// look reads the cluster.
func (o migrateOptions) look(ctx context.Context, log *slog.Logger) (*migration.Report, error) {
	config, err := loadWorker(workerconfig.Distributed, o.worker, o.set)
	if err != nil {
		return nil, err
	}
	known, err := classes()
	if err != nil {
		return nil, err
	}
	kafka, err := storeKafka(config, "check", nil, log)
	if err != nil {
		return nil, err
	}
	settings, err := kafkaclient.AdminSettings(kafkaclient.Properties(config.Properties.Clients()))
	if err != nil {
		return nil, err
	}
	if _, err := clusterID(ctx, settings); err != nil { // a store would wait until Kafka is there
		return nil, err
	}
	topics := []stores.Topic{configTopic(config), statusTopic(config), offsetTopic(config)}
	for i := range topics {
		topics[i].ReadOnly = true
	}
	check := &migration.Check{
		Worker: config, Catalog: known,
		Validator: &validation.Validator{
			Catalog: known, Worker: config.Properties, OverridePolicy: config.OverridePolicy, GroupID: config.GroupID, Offline: !o.systems,
		},
		Groups:   worker.NewGroups(&worker.Settings{Properties: config.Properties}, config.Properties.Clients()),
		Configs:  stores.NewConfigStore(kafka, topics[0], nil),
		Statuses: stores.NewStatusStore(kafka, topics[1]),
		Offsets:  stores.NewOffsetStore(kafka, topics[2]),
	}
	return check.Run(ctx)
}
