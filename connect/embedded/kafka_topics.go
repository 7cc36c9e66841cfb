package embedded

import (
	"errors"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// onMetadata creates the topics a client asks about and may create by asking (auto.create.topics.enable). The broker's own
// auto-creation is off: it writes its list of topics down only on an orderly end, so after a kill such topics and all their
// records would be gone, while a topic created as here is on disk before the client hears of it.
func (k *Kafka) onMetadata(kreq kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's signature
	req, ok := kreq.(*kmsg.MetadataRequest)
	if !ok || (req.Version >= 4 && !req.AllowAutoTopicCreation) {
		return nil, nil, false
	}
	invalid := 0
	for _, t := range req.Topics {
		switch {
		case t.Topic == nil || t.TopicID != [16]byte{}:
		case !validTopic(*t.Topic):
			invalid++
		default:
			err := k.cluster.CreateTopic(*t.Topic, int32(k.cfg.Partitions), nil)
			if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
				k.cfg.Logger.Warn("creating a topic on its first use failed", "topic", *t.Topic, "error", err)
			}
		}
	}
	if invalid == 0 || invalid < len(req.Topics) {
		return nil, nil, false
	}
	k.cluster.KeepControl()
	return k.refuseTopics(req), nil, true
}

// refuseTopics answers a request in which no topic has a legal name, as Kafka does: for good, not "unknown, ask again".
func (k *Kafka) refuseTopics(req *kmsg.MetadataRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	node := kmsg.NewMetadataResponseBroker()
	node.Host, node.Port = k.ln.hostPort()
	resp.Brokers = append(resp.Brokers, node)
	for _, t := range req.Topics {
		refused := kmsg.NewMetadataResponseTopic()
		refused.Topic = t.Topic
		refused.ErrorCode = kerr.InvalidTopicException.Code
		resp.Topics = append(resp.Topics, refused)
	}
	return resp
}

// onCreateTopics refuses illegal names, which the broker would take, and keeps retention away from compacted topics: the
// broker would drop their records by age and size, too, and with them connectors and offsets.
func (k *Kafka) onCreateTopics(kreq kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's signature
	req, ok := kreq.(*kmsg.CreateTopicsRequest)
	if !ok {
		return nil, nil, false
	}
	legal := true
	for i := range req.Topics {
		legal = legal && validTopic(req.Topics[i].Topic)
		keepCompacted(&req.Topics[i])
	}
	if legal {
		return nil, nil, false
	}
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	for _, t := range req.Topics {
		refused := kmsg.NewCreateTopicsResponseTopic()
		refused.Topic = t.Topic
		refused.ErrorCode = kerr.InvalidRequest.Code
		refused.ErrorMessage = kmsg.StringPtr("another topic of the same request has an illegal name")
		if !validTopic(t.Topic) {
			refused.ErrorCode = kerr.InvalidTopicException.Code
			refused.ErrorMessage = kmsg.StringPtr("a topic name has 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'")
		}
		resp.Topics = append(resp.Topics, refused)
	}
	k.cluster.KeepControl()
	return resp, nil, true
}

// keepCompacted sets unlimited retention on a topic that is compacted and not also deleted.
func keepCompacted(t *kmsg.CreateTopicsRequestTopic) {
	set := make(map[string]string)
	for _, c := range t.Configs {
		if c.Value != nil {
			set[c.Name] = *c.Value
		}
	}
	policy := set["cleanup.policy"]
	if !strings.Contains(policy, "compact") || strings.Contains(policy, "delete") {
		return
	}
	for _, name := range []string{"retention.ms", "retention.bytes"} {
		if _, ok := set[name]; ok {
			continue
		}
		unlimited := kmsg.NewCreateTopicsRequestTopicConfig()
		unlimited.Name, unlimited.Value = name, kmsg.StringPtr("-1")
		t.Configs = append(t.Configs, unlimited)
	}
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// validTopic is Kafka's rule (org.apache.kafka.common.internals.Topic).
func validTopic(name string) bool {
	return name != "." && name != ".." && topicName.MatchString(name)
}
