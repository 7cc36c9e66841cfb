package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

func standaloneCommand() *cobra.Command {
	var (
		set []string
		lf  logFlags
	)
	cmd := &cobra.Command{
		Use:   "standalone worker.properties [connector.json|connector.properties ...]",
		Short: "Run a worker without a cluster: offsets in a file, connectors from the command line",
		Example: `  sluice standalone standalone.properties mqtt-source.json
  sluice standalone standalone.properties source.properties sink.properties`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := lf.open(os.Stderr)
			if err != nil {
				return err
			}
			config, err := loadWorker(workerconfig.Standalone, args[0], set)
			if err != nil {
				return err
			}
			var wanted []herder.NewConnector
			for _, path := range args[1:] {
				c, err := readConnector(path)
				if err != nil {
					return err
				}
				wanted = append(wanted, c)
			}
			node, err := startNode(cmd.Context(), config, log)
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

// readConnector reads a connector's file: the body of a POST, a flat JSON object, or properties, tried in this order
// (org.apache.kafka.connect.cli.ConnectStandalone).
func readConnector(path string) (herder.NewConnector, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return herder.NewConnector{}, fmt.Errorf("reading connector: %w", err)
	}
	var body struct {
		Name         string         `json:"name"`
		Config       connect.Config `json:"config"`
		InitialState string         `json:"initial_state"`
	}
	if json.Unmarshal(data, &body) == nil && body.Config != nil {
		if body.Config["name"] == "" {
			body.Config["name"] = body.Name
		}
		return herder.NewConnector{Name: body.Config["name"], Config: body.Config, InitialState: body.InitialState}, nil
	}
	var flat connect.Config
	if json.Unmarshal(data, &flat) != nil {
		properties, err := workerconfig.ReadFile(path)
		if err != nil {
			return herder.NewConnector{}, err
		}
		flat = connect.Config(properties)
	}
	if flat["name"] == "" {
		return herder.NewConnector{}, fmt.Errorf("%s: name is missing: give the connector a name", path)
	}
	return herder.NewConnector{Name: flat["name"], Config: flat}, nil
}
