package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// Prefixes of the keys that are meant for the clients of a cluster, as Kafka's own clients name them.
const (
	sourcePrefix = "source."
	targetPrefix = "target."
)

// properties are the client keys of one side: those with its prefix, without it.
func properties(cfg connect.Config, prefix string) kafkaclient.Properties {
	props := kafkaclient.Properties{}
	for k, v := range cfg {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			props[name] = v
		}
	}
	return props
}

// sourceSettings are those of a consumer, which begins at the oldest record where Java's would at the newest: a copy is meant to be whole.
func sourceSettings(cfg connect.Config) (*kafkaclient.Settings, error) {
	props := properties(cfg, sourcePrefix)
	if props["auto.offset.reset"] == "" {
		props["auto.offset.reset"] = string(kafkaclient.ResetEarliest)
	}
	s, err := kafkaclient.ConsumerSettings(props)
	if err != nil {
		return nil, fmt.Errorf("%s*: %w", sourcePrefix, err)
	}
	s.Sarama.ChannelBufferSize = fetchRecords
	s.Sarama.Metadata.Full = true // the topics are looked for among all
	s.Sarama.Metadata.AllowAutoTopicCreation = false
	return s, nil
}

// targetSettings are those of a producer.
func targetSettings(cfg connect.Config) (*kafkaclient.Settings, error) {
	s, err := kafkaclient.ProducerSettings(properties(cfg, targetPrefix))
	if err != nil {
		return nil, fmt.Errorf("%s*: %w", targetPrefix, err)
	}
	return s, nil
}

// dial makes a client. sarama knows no contexts: when ctx ends, the connections are cut, and sarama gives up.
func dial(ctx context.Context, s *kafkaclient.Settings, prefix string) (sarama.Client, error) {
	dialer := s.Dialer(nil)
	stop := context.AfterFunc(ctx, dialer.Close)
	client, err := sarama.NewClient(s.Brokers, s.For(dialer))
	if !stop() {
		if client != nil {
			err = client.Close()
		}
		return nil, errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return nil, classed(err, s, prefix)
	}
	return client, nil
}

// fatal tells errors that do not heal by waiting.
func fatal(err error) bool {
	switch kafkaclient.Classify(err) {
	case kafkaclient.Denied, kafkaclient.RecordRefused:
		return true
	}
	return false
}

// classed puts an error into words for users, and makes one that may heal a retry.
func classed(err error, s *kafkaclient.Settings, prefix string) error {
	explained := explained(err, s, prefix)
	if fatal(err) {
		return explained
	}
	return connect.Retry(explained, retryConnect)
}

// explained names the cause and the fix. Its keys are the client's, so it says where they stand.
func explained(err error, s *kafkaclient.Settings, prefix string) error {
	return fmt.Errorf("%s*: %w", prefix, kafkaclient.Explain(err, s))
}

// wrongKeys are the findings about the client keys of a side, each under the name that it has in the connector's configuration. servers is the key
// for what names none.
func wrongKeys(err error, prefix, servers string) []connect.Problem {
	var found []connect.Problem
	for _, e := range kafkaclient.KeyErrors(err) {
		found = append(found, connect.Problem{Key: prefix + e.Key, Message: e.Error()})
	}
	if len(found) == 0 {
		found = append(found, connect.Problem{Key: servers, Message: err.Error()})
	}
	return found
}

// outOfReach is the finding about a cluster that was asked: a warning where waiting may help.
func outOfReach(err error, servers string) connect.Problem {
	found := connect.Problem{Key: servers, Message: err.Error()}
	if named := new(connect.ConfigError); errors.As(err, &named) {
		found.Key, found.Message = named.Key, named.Reason
	}
	var away *connect.RetryError
	found.Warning = errors.As(err, &away)
	return found
}
