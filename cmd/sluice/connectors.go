package main

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/file"
	"github.com/sluice-connect/sluice/connectors/kafka"
	"github.com/sluice-connect/sluice/connectors/mqtt"
)

// The connectors that are part of this program.

func sources() []connect.SourceConnector {
	return []connect.SourceConnector{file.Source{}, kafka.Source{}, mqtt.Source{}}
}

func sinks() []connect.SinkConnector {
	return []connect.SinkConnector{file.Sink{}, kafka.Sink{}, mqtt.Sink{}}
}
