package kafkaclient

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// Settings are what a client is made with.
type Settings struct {
	// Brokers are the bootstrap addresses, host:port.
	Brokers []string
	// Sarama is the client's configuration. It is not changed by this package once built; clients get copies.
	Sarama *sarama.Config
	// Warnings are the keys without effect, sorted by key.
	Warnings []Warning

	// Group is group.id of a consumer.
	Group string
	// MaxPollRecords is max.poll.records of a consumer.
	MaxPollRecords int
	// Reset is auto.offset.reset of a consumer.
	Reset OffsetReset
	// BufferMemory is buffer.memory of a producer in bytes: how much may be under way to Kafka. sarama has no such bound, so who sends
	// must keep it.
	BufferMemory int
	// Traffic is told what passes the connections of clients made from these settings; nil for nobody.
	Traffic Traffic

	sockets socketSizes
	backoff backoff
}

// OffsetReset says where a consumer begins where its group has no valid offset.
type OffsetReset string

// The values of auto.offset.reset.
const (
	ResetEarliest OffsetReset = "earliest"
	ResetLatest   OffsetReset = "latest"
	ResetNone     OffsetReset = "none" // the task fails
)

// For is a copy of the configuration for one client, whose connections d makes.
func (s *Settings) For(d *Dialer) *sarama.Config {
	c := *s.Sarama
	c.Net.Proxy.Enable = true
	c.Net.Proxy.Dialer = d
	return &c
}

// connection fills in what all clients have in common.
func (r *reader) connection(s *Settings) {
	c := sarama.NewConfig()
	s.Sarama = c
	// The version is the newest that sarama knows whole; with each broker it agrees on what both speak, Kafka 4 included.
	c.Version = sarama.DefaultVersion
	c.ClientID = r.text("client.id", "sluice")
	c.Metadata.Full = false
	c.Metadata.RefreshFrequency = max(r.millis("metadata.max.age.ms", 5*time.Minute, 0), time.Second)

	s.Brokers = r.brokers()
	s.backoff = backoff{first: r.millis("retry.backoff.ms", 100*time.Millisecond, 0), most: r.millis("retry.backoff.max.ms", time.Second, 0)}
	c.Metadata.Retry.BackoffFunc = func(retries, _ int) time.Duration { return s.backoff.after(retries) }

	timeout := r.millis("request.timeout.ms", 30*time.Second, 1)
	c.Net.ReadTimeout, c.Net.WriteTimeout = timeout, timeout
	c.Net.DialTimeout = r.millis("socket.connection.setup.timeout.ms", 10*time.Second, 1)
	// -1 and unset leave the size to the kernel, which adapts it and does better than Java's fixed default.
	s.sockets.send = int(max(r.number("send.buffer.bytes", -1, -1, maxMillis), 0))
	s.sockets.receive = int(max(r.number("receive.buffer.bytes", -1, -1, maxMillis), 0))
	c.Net.ResolveCanonicalBootstrapServers = r.choice("client.dns.lookup", "use_all_dns_ips", "use_all_dns_ips",
		"resolve_canonical_bootstrap_servers_only") != "use_all_dns_ips"

	protocol := r.choice("security.protocol", "PLAINTEXT", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
	if strings.HasSuffix(protocol, "SSL") {
		r.tls(c)
	}
	if strings.HasPrefix(protocol, "SASL_") {
		r.sasl(c)
	}
}

func (r *reader) brokers() []string {
	all := r.list("bootstrap.servers")
	if len(all) == 0 {
		r.fail("bootstrap.servers", errors.New("it must list at least one host:port"))
	}
	for i, b := range all {
		if _, after, ok := strings.Cut(b, "://"); ok { // Java allows a listener's name in front
			all[i] = after
		}
		if host, port, err := net.SplitHostPort(all[i]); err != nil || host == "" || port == "" {
			r.fail("bootstrap.servers", fmt.Errorf("%q is not host:port", b))
		}
	}
	return all
}

// finish is the last step of building settings: sarama checks what is left, for combinations of keys.
func (r *reader) finish(s *Settings) (*Settings, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	if err := s.Sarama.Validate(); err != nil {
		return nil, fmt.Errorf("checking the %s configuration: %w", r.client, err)
	}
	s.Warnings = r.warnings
	return s, nil
}

// AdminSettings turns the keys of Java's admin client into settings.
func AdminSettings(p Properties) (*Settings, error) {
	r, s := read(AdminClient, p), new(Settings)
	r.connection(s)
	// sarama finds the controller only when it asks for the metadata of all topics.
	s.Sarama.Metadata.Full = true
	s.Sarama.Metadata.AllowAutoTopicCreation = false
	s.Sarama.Admin.Timeout = r.millis("default.api.timeout.ms", time.Minute, 1)
	// The broker must answer before the connection's patience ends.
	s.Sarama.Admin.Timeout = min(s.Sarama.Admin.Timeout, s.Sarama.Net.ReadTimeout)
	s.Sarama.Admin.Retry.Backoff = s.backoff.first
	return r.finish(s)
}
