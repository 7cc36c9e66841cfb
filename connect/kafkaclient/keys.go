package kafkaclient

import "maps"

// treatment is what becomes of a key.
type treatment uint8

const (
	mapped treatment = iota
	ignored
	refused
)

// rule is a line of the table; note is the warning of an ignored key, or the reason of a refusal.
type rule struct {
	does treatment
	note string
}

func ignore(note string) rule { return rule{ignored, note} }
func refuse(note string) rule { return rule{refused, note} }

// Knows reports whether a Java client of this kind has the key. It serves callers that hand over a worker's whole configuration.
func (c Client) Knows(key string) bool {
	_, ok := rulesOf(c)[key]
	return ok
}

var tables = map[Client]map[string]rule{
	ProducerClient: union(networkKeys, securityKeys, producerKeys),
	ConsumerClient: union(networkKeys, securityKeys, consumerKeys),
	AdminClient:    union(networkKeys, securityKeys, adminKeys),
}

func rulesOf(c Client) map[string]rule { return tables[c] }

func union(parts ...map[string]rule) map[string]rule {
	out := map[string]rule{}
	for _, p := range parts {
		maps.Copy(out, p)
	}
	return out
}

const (
	noJavaClass = "a Java class, which Sluice cannot run"
	noMetrics   = "Sluice has its own metrics"
	noIdleClose = "connections stay open until the broker closes them"
)

// networkKeys are Java's CommonClientConfigs of Kafka 4.1.
var networkKeys = map[string]rule{
	"bootstrap.servers":                        {},
	"client.dns.lookup":                        {},
	"client.id":                                {},
	"metadata.max.age.ms":                      {},
	"receive.buffer.bytes":                     {},
	"request.timeout.ms":                       {},
	"retry.backoff.max.ms":                     {},
	"retry.backoff.ms":                         {},
	"security.protocol":                        {},
	"send.buffer.bytes":                        {},
	"socket.connection.setup.timeout.ms":       {},
	"auto.include.jmx.reporter":                ignore(noMetrics),
	"connections.max.idle.ms":                  ignore(noIdleClose),
	"enable.metrics.push":                      ignore(noMetrics),
	"metadata.recovery.rebootstrap.trigger.ms": ignore("the bootstrap servers are asked as soon as no other broker answers"),
	"metadata.recovery.strategy":               ignore("the bootstrap servers are asked as soon as no other broker answers"),
	"metric.reporters":                         ignore(noMetrics),
	"metrics.num.samples":                      ignore(noMetrics),
	"metrics.recording.level":                  ignore(noMetrics),
	"metrics.sample.window.ms":                 ignore(noMetrics),
	"reconnect.backoff.max.ms":                 ignore("retry.backoff.max.ms also governs reconnecting"),
	"reconnect.backoff.ms":                     ignore("retry.backoff.ms also governs reconnecting"),
	"retries":                                  ignore("what can be tried again is tried until it succeeds"),
	"socket.connection.setup.timeout.max.ms":   ignore("socket.connection.setup.timeout.ms holds for every try"),
}

var producerKeys = map[string]rule{
	"acks":                                     {},
	"batch.size":                               {},
	"buffer.memory":                            {},
	"compression.gzip.level":                   {},
	"compression.type":                         {},
	"compression.zstd.level":                   {},
	"enable.idempotence":                       {},
	"linger.ms":                                {},
	"max.in.flight.requests.per.connection":    {},
	"max.request.size":                         {},
	"partitioner.class":                        {},
	"partitioner.ignore.keys":                  {},
	"transaction.timeout.ms":                   {},
	"transactional.id":                         {},
	"compression.lz4.level":                    ignore("the LZ4 library always compresses at its fast level"),
	"delivery.timeout.ms":                      ignore("a record is tried until Kafka takes or refuses it"),
	"interceptor.classes":                      ignore(noJavaClass),
	"key.serializer":                           ignore("converters make the bytes of keys"),
	"max.block.ms":                             ignore("sending waits as long as Kafka is away"),
	"metadata.max.idle.ms":                     ignore("metadata of topics is kept"),
	"partitioner.adaptive.partitioning.enable": ignore("records without key go to all partitions alike"),
	"partitioner.availability.timeout.ms":      ignore("records without key avoid partitions without a leader"),
	"transaction.two.phase.commit.enable":      refuse("two-phase commit is not supported"),
	"value.serializer":                         ignore("converters make the bytes of values"),
}

var consumerKeys = map[string]rule{
	"allow.auto.create.topics":      {},
	"auto.commit.interval.ms":       {},
	"auto.offset.reset":             {},
	"client.rack":                   {},
	"enable.auto.commit":            {},
	"fetch.max.bytes":               {},
	"fetch.max.wait.ms":             {},
	"fetch.min.bytes":               {},
	"group.id":                      {},
	"group.instance.id":             {},
	"heartbeat.interval.ms":         {},
	"isolation.level":               {},
	"max.partition.fetch.bytes":     {},
	"max.poll.interval.ms":          {},
	"max.poll.records":              {},
	"partition.assignment.strategy": {},
	"session.timeout.ms":            {},
	"check.crcs":                    ignore("checksums are always checked"),
	"default.api.timeout.ms":        ignore("request.timeout.ms holds for each try"),
	"exclude.internal.topics":       ignore("a pattern of topics matches no internal topic"),
	"group.protocol":                ignore("groups use the classic protocol, which brokers of every version speak"),
	"group.remote.assignor":         ignore("groups use the classic protocol, which brokers of every version speak"),
	"interceptor.classes":           ignore(noJavaClass),
	"internal.leave.group.on.close": ignore("a member always leaves its group when it is closed"),
	"internal.throw.on.fetch.stable.offset.unsupported": ignore("an internal key"),
	"key.deserializer":           ignore("converters read the bytes of keys"),
	"share.acknowledgement.mode": ignore("share groups are not used"),
	"share.acquire.mode":         ignore("share groups are not used"),
	"value.deserializer":         ignore("converters read the bytes of values"),
}

var adminKeys = map[string]rule{
	"default.api.timeout.ms": {},
	"bootstrap.controllers":  refuse("controllers are not asked directly: give bootstrap.servers"),
}

// securityKeys are Java's SecurityConfig, SslConfigs and SaslConfigs.
var securityKeys = map[string]rule{
	"ssl.cipher.suites":                                   {},
	"ssl.enabled.protocols":                               {},
	"ssl.endpoint.identification.algorithm":               {},
	"ssl.key.password":                                    {},
	"ssl.keystore.certificate.chain":                      {},
	"ssl.keystore.key":                                    {},
	"ssl.keystore.location":                               {},
	"ssl.keystore.password":                               {},
	"ssl.keystore.type":                                   {},
	"ssl.protocol":                                        {},
	"ssl.truststore.certificates":                         {},
	"ssl.truststore.location":                             {},
	"ssl.truststore.password":                             {},
	"ssl.truststore.type":                                 {},
	"ssl.engine.factory.class":                            refuse(noJavaClass),
	"ssl.keymanager.algorithm":                            ignore("Go's TLS has no such choice"),
	"ssl.provider":                                        ignore("Go's TLS has no such choice"),
	"ssl.secure.random.implementation":                    ignore("Go's TLS has no such choice"),
	"ssl.trustmanager.algorithm":                          ignore("Go's TLS has no such choice"),
	"security.providers":                                  refuse(noJavaClass),
	"sasl.jaas.config":                                    {},
	"sasl.kerberos.service.name":                          {},
	"sasl.login.callback.handler.class":                   {}, // read by OAUTHBEARER, which refuses all but Kafka's own
	"sasl.login.connect.timeout.ms":                       {},
	"sasl.login.read.timeout.ms":                          {},
	"sasl.login.refresh.window.factor":                    {},
	"sasl.mechanism":                                      {},
	"sasl.oauthbearer.client.credentials.client.id":       {},
	"sasl.oauthbearer.client.credentials.client.secret":   {},
	"sasl.oauthbearer.header.urlencode":                   {},
	"sasl.oauthbearer.scope":                              {},
	"sasl.oauthbearer.token.endpoint.url":                 {},
	"sasl.client.callback.handler.class":                  refuse(noJavaClass),
	"sasl.login.class":                                    refuse(noJavaClass),
	"sasl.oauthbearer.jwt.retriever.class":                {}, // as sasl.login.callback.handler.class
	"sasl.oauthbearer.jwt.validator.class":                ignore(brokerChecks),
	"sasl.kerberos.kinit.cmd":                             ignore("no kinit is needed"),
	"sasl.kerberos.min.time.before.relogin":               ignore("a ticket is fetched when it is needed"),
	"sasl.kerberos.ticket.renew.jitter":                   ignore("a ticket is fetched when it is needed"),
	"sasl.kerberos.ticket.renew.window.factor":            ignore("a ticket is fetched when it is needed"),
	"sasl.login.refresh.buffer.seconds":                   ignore("sasl.login.refresh.window.factor alone decides"),
	"sasl.login.refresh.min.period.seconds":               ignore("sasl.login.refresh.window.factor alone decides"),
	"sasl.login.refresh.window.jitter":                    ignore("sasl.login.refresh.window.factor alone decides"),
	"sasl.login.retry.backoff.max.ms":                     ignore("retry.backoff.max.ms also governs logins"),
	"sasl.login.retry.backoff.ms":                         ignore("retry.backoff.ms also governs logins"),
	"sasl.oauthbearer.assertion.algorithm":                refuse(noAssertion),
	"sasl.oauthbearer.assertion.claim.aud":                refuse(noAssertion),
	"sasl.oauthbearer.assertion.claim.exp.seconds":        refuse(noAssertion),
	"sasl.oauthbearer.assertion.claim.iss":                refuse(noAssertion),
	"sasl.oauthbearer.assertion.claim.jti.include":        refuse(noAssertion),
	"sasl.oauthbearer.assertion.claim.nbf.seconds":        refuse(noAssertion),
	"sasl.oauthbearer.assertion.claim.sub":                refuse(noAssertion),
	"sasl.oauthbearer.assertion.file":                     refuse(noAssertion),
	"sasl.oauthbearer.assertion.private.key.file":         refuse(noAssertion),
	"sasl.oauthbearer.assertion.private.key.passphrase":   refuse(noAssertion),
	"sasl.oauthbearer.assertion.template.file":            refuse(noAssertion),
	"sasl.oauthbearer.clock.skew.seconds":                 ignore(brokerChecks),
	"sasl.oauthbearer.expected.audience":                  ignore(brokerChecks),
	"sasl.oauthbearer.expected.issuer":                    ignore(brokerChecks),
	"sasl.oauthbearer.jwks.endpoint.refresh.ms":           ignore(brokerChecks),
	"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": ignore(brokerChecks),
	"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms":     ignore(brokerChecks),
	"sasl.oauthbearer.jwks.endpoint.url":                  ignore(brokerChecks),
	"sasl.oauthbearer.scope.claim.name":                   ignore(brokerChecks),
	"sasl.oauthbearer.sub.claim.name":                     ignore(brokerChecks),
}

const (
	brokerChecks = "the broker checks the token"
	noAssertion  = "logins by a signed assertion are not supported: use the client id and secret of sasl.jaas.config"
)
