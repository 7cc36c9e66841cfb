package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/workerconfig"
)

func workerCommand() *cobra.Command {
	var (
		set []string
		lf  logFlags
	)
	cmd := &cobra.Command{
		Use:   "worker [worker.properties]",
		Short: "Run a worker: configurations, offsets and statuses in Kafka topics",
		Long: `Run a worker with the keys of Kafka Connect's connect-distributed.properties.

Values come from the file, then from the environment (CONNECT_GROUP_ID is group.id; __ is a dash, ___ an underscore), then from --set.`,
		Example: `  sluice worker worker.properties
  sluice worker worker.properties --set bootstrap.servers=kafka:9092
  CONNECT_BOOTSTRAP_SERVERS=kafka:9092 CONNECT_GROUP_ID=edge ... sluice worker`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, plugins, err := loadWorker(cmd.Context(), workerconfig.Distributed, first(args), set)
			if err != nil {
				return err
			}
			defer plugins.close()
			log, err := lf.open(os.Stderr, config)
			if err != nil {
				return err
			}
			node, err := startNode(cmd.Context(), config, plugins, log)
			if err != nil {
				return startupError(cmd.Context(), err)
			}
			log.Info("worker is ready", "rest", node.url, "group", config.GroupID)
			return node.wait(cmd.Context(), config.GracefulShutdown)
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "key=value, over file and environment; may be repeated")
	lf.register(cmd, "info")
	return cmd
}

// loadWorker reads and checks a worker's configuration. The plugins are to be closed, unless there is an error.
func loadWorker(ctx context.Context, mode workerconfig.Mode, path string, set []string) (*workerconfig.Worker, *installed, error) {
	properties, err := workerconfig.Load(path, os.Environ(), set)
	if err != nil {
		return nil, nil, err
	}
	plugins := findPlugins(properties)
	config, err := workerconfig.Open(ctx, mode, properties, plugins.providers())
	if err != nil {
		plugins.close()
		return nil, nil, fmt.Errorf("%s: %w", cmp.Or(path, "without a file"), err)
	}
	return config, plugins, nil
}

// startupError is nil for a start that was ended by a signal.
func startupError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return &exitError{exitStartup, err}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
