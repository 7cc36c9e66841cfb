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

	"github.com/IBM/sarama"
	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/migration"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// Exit codes of `sluice migrate check`, in place of those of all commands.
const (
	exitSome   = 1 // something would not run here
	exitUntold = 2 // it could not be told, be it that the command line is wrong
)

// checkPatience is how long it may take, unless --timeout says otherwise.
const checkPatience = 30 * time.Second

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

Each key is one of these:
  blocks    it keeps the connector, or the worker, from running
  missing   what it does in Java is not done here
  differs   it is done here in another way
  ignored   it has no effect here, and need not have one
  unknown   nobody here knows it
  unjudged  only a class that is not here knows it
  ok

The exit code is 0 when every connector would run here, 1 when one would not, and 2 when it could not be told.`,
		Example: `  sluice migrate check --worker connect-distributed.properties
  sluice migrate check --worker connect-distributed.properties --set bootstrap.servers=kafka:9092
  sluice migrate check --worker connect-distributed.properties --connect     also tries the connectors' own systems
  sluice migrate check --worker connect-distributed.properties -o json | jq -r '.connectors[] | select(.runs | not).name'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.NoArgs(cmd, args); err != nil {
				return &exitError{exitUntold, err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := lf.open(os.Stderr, nil)
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), log.Logger)
		},
	}
	cmd.Flags().StringVar(&o.worker, "worker", "", "the properties file of one of the cluster's workers")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "json")
	cmd.Flags().BoolVar(&o.systems, "connect", false, "have connectors check their configurations by connecting to their systems")
	cmd.Flags().DurationVar(&o.patience, "timeout", checkPatience, "how long it may take")
	cmd.Flags().StringArrayVar(&o.set, "set", nil, "key=value, over file and environment; may be repeated")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUntold, err} })
	lf.register(cmd, "error")
	return cmd
}

func (o migrateOptions) run(ctx context.Context, out io.Writer, log *slog.Logger) error {
	switch {
	case o.worker == "":
		return &exitError{exitUntold, errors.New("--worker is missing: name the properties file of one of the cluster's workers")}
	case o.output != "" && o.output != "json":
		return &exitError{exitUntold, fmt.Errorf("--output: %q is not json", o.output)}
	}
	reading, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	report, err := o.look(reading, log)
	if err != nil {
		if ctx.Err() == nil && reading.Err() != nil {
			err = fmt.Errorf("after %v (--timeout): %w", o.patience, err)
		}
		return &exitError{exitUntold, err}
	}
	if o.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		report.Write(out)
	}
	switch {
	case err != nil:
		return &exitError{exitUntold, err}
	case report.Verdict == migration.AllRun:
		return nil
	case report.Verdict == migration.Untold:
		return &exitError{code: exitUntold}
	}
	return &exitError{code: exitSome}
}

// look reads the cluster.
func (o migrateOptions) look(ctx context.Context, log *slog.Logger) (report *migration.Report, err error) {
	given, err := workerconfig.Load(o.worker, os.Environ(), o.set)
	if err != nil {
		return nil, err
	}
	// What cannot be resolved is a finding: much can be told without it.
	plugins := findPlugins(given)
	defer plugins.close()
	plugins.log.To(log.Handler())
	resolved, unresolved := workerconfig.Resolve(ctx, given, plugins.providers())
	config, err := resolved.Parse(workerconfig.Distributed)
	if err == nil {
		var check *migration.Check
		if check, err = o.check(config, plugins, resolved.Secrets.Logger(log)); err == nil {
			check.Given, check.GivenErr = given, unresolved
			report, err = check.Run(ctx)
		}
	}
	if err != nil && unresolved != nil {
		err = fmt.Errorf("%w; %w", err, unresolved)
	}
	return report, resolved.Secrets.Error(err)
}

func (o migrateOptions) check(config *workerconfig.Worker, plugins *installed, log *slog.Logger) (*migration.Check, error) {
	known, _, err := plugins.classes()
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
	if config.ExactlyOnce == workerconfig.Enabled { // as Java's workers read then: not what was aborted
		kafka.Config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	return &migration.Check{
		Worker: config, Catalog: known, Settings: settings, Kafka: kafka,
		Validator: &validation.Validator{
			Catalog: known, Worker: config.Properties, OverridePolicy: validation.OverridePolicy(config.OverridePolicy), GroupID: config.GroupID,
			ExactlyOnce: config.ExactlyOnce == workerconfig.Enabled, Providers: config.Providers, Offline: !o.systems,
		},
		KnownMAC:  herder.KnownMAC,
		Committed: worker.NewGroups(&worker.Settings{Properties: config.Properties, Clients: config.Properties.Clients()}),
		Configs:   configTopic(config), Offsets: offsetTopic(config), Statuses: statusTopic(config),
	}, nil
}
