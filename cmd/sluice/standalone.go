package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/manifests"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

func standaloneCommand() *cobra.Command {
	var (
		set []string
		lf  logFlags
	)
	cmd := &cobra.Command{
		Use:   "standalone worker.properties [connector.json|connector.yaml|connector.properties|folder ...]",
		Short: "Run a worker without a cluster: offsets in a file, connectors from the command line",
		Example: `  sluice standalone standalone.properties mqtt-source.json
  sluice standalone standalone.properties source.properties sink.properties`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("the worker's file is missing: sluice standalone worker.properties [connector.json ...]")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			config, plugins, err := loadWorker(cmd.Context(), workerconfig.Standalone, args[0], set)
			if err != nil {
				return err
			}
			defer plugins.close()
			log, err := lf.open(os.Stderr, config)
			if err != nil {
				return err
			}
			var wanted []herder.NewConnector
			given, err := manifests.Read(args[1:], false, os.Stdin)
			if err != nil {
				return err
			}
			for _, m := range given {
				wanted = append(wanted, herder.NewConnector{Name: m.Name, Config: m.Config, InitialState: m.InitialState})
			}
			node, err := startNode(cmd.Context(), config, plugins, log)
			if err != nil {
				return startupError(cmd.Context(), err)
			}
			if err := node.create(cmd.Context(), wanted); err != nil {
				node.close(config.GracefulShutdown)
				return &exitError{exitStart, err}
			}
			log.Info("worker is ready", "rest", node.url, "connectors", len(wanted))
			return node.wait(cmd.Context(), config.GracefulShutdown)
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "key=value, over file and environment; may be repeated")
	lf.register(cmd, "info")
	return cmd
}

// create starts the connectors of the command line; one that is refused ends the program, as in Kafka Connect.
func (n *node) create(ctx context.Context, wanted []herder.NewConnector) error {
	for _, c := range wanted {
		if _, err := n.herder.Create(ctx, c); err != nil {
			return fmt.Errorf("creating connector %s: %w", c.Name, err)
		}
	}
	return nil
}
