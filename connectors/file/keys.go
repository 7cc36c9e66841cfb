package file

import "github.com/sluice-connect/sluice/connect"

// Keys as FileStreamSourceConnector and FileStreamSinkConnector of Kafka 4.1 define them.
var (
	sourceFile = connect.StringKey("file", "Source filename. If not specified, the standard input will be used").
			Optional().Importance(connect.High)
	topic     = connect.StringKey("topic", "The topic to publish data to").Importance(connect.High).Must(connect.NonEmpty)
	batchSize = connect.IntKey("batch.size", "The maximum number of records the source task can read from the file each time it is polled").
			Default(2000).Importance(connect.Low)
	sinkFile = connect.StringKey("file", "Destination filename. If not specified, the standard output will be used").
			Optional().Importance(connect.High)
)
