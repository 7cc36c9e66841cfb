package migration

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// word is what there is to say about a key of Java's worker.
type word struct {
	weight Weight
	reason string
	except string // the value with which the key does nothing in Java either; "" for an empty one
}

// words are about keys of Java's worker that do something there and not the same here (WorkerConfig, DistributedConfig and RestServerConfig of Kafka 4.1).
// A key that ends in a full stop stands for all that begin with it.
var words = map[string]word{
	"plugin.path":               {Differs, "Java plugins cannot run here, plugins of Sluice are found in it: the connectors below say which classes are there", ""},
	"plugin.discovery":          {Ignored, "there are no Java plugins to discover", ""},
	"internal.key.converter":    {Ignored, "gone since Kafka 3.0: internal topics are always JSON", ""},
	"internal.value.converter":  {Ignored, "gone since Kafka 3.0: internal topics are always JSON", ""},
	"rest.port":                 {Ignored, "gone since Kafka 3.0: use listeners", ""},
	"rest.host.name":            {Ignored, "gone since Kafka 3.0: use listeners", ""},
	"auto.include.jmx.reporter": {Ignored, "there is no JMX: metrics are at /metrics for Prometheus", "false"},
	"metrics.context.":          {Ignored, "they are labels for Java's reporters: add labels where Prometheus scrapes /metrics", ""},
	"metrics.jmx.":              {Ignored, "there is no JMX: metrics are at /metrics for Prometheus, all of them", ""},
	"metric.reporters":          {Missing, "reporters are Java classes: metrics are at /metrics for Prometheus", ""},
}

// wordOn finds the word on a key.
func wordOn(key string) (word, bool) {
	if w, ok := words[key]; ok {
		return w, true
	}
	for prefix, w := range words {
		if strings.HasSuffix(prefix, ".") && strings.HasPrefix(key, prefix) {
			return w, true
		}
	}
	return word{}, false
}

// converterKeys name the converters.
var converterKeys = []string{"key.converter", "value.converter", "header.converter"}

// workerKeys looks at every key of the worker's properties.
func (c *Check) workerKeys() []Finding {
	w := c.Worker
	p := w.Properties
	f := &findings{secrets: secretsOf(p)}
	c.references(f, c.Given, c.GivenErr)
	c.providers(f)
	f.clients(kafkaclient.AdminClient, "", own(p))
	f.clients(kafkaclient.ProducerClient, "producer.", p.Under("producer."))
	f.clients(kafkaclient.ConsumerClient, "consumer.", p.Under("consumer."))
	f.clients(kafkaclient.AdminClient, "admin.", admin(p))
	for _, prefix := range []string{"listeners.https.", "admin.listeners.https."} {
		f.clients(kafkaclient.AdminClient, prefix, without(p.Under(prefix), func(key string) bool { return key == "ssl.client.auth" }))
	}
	f.workerClasses(w, c.Catalog)
	for _, key := range []string{"inter.worker.key.generation.algorithm", "inter.worker.signature.algorithm"} {
		if algorithm := p[key]; algorithm != "" && !c.KnownMAC(algorithm) {
			f.add(key, Blocks, algorithm+" is not known here: use HmacSHA256")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p)) {
		java, said := wordOn(key)
		switch {
		case said && !f.blocked(key) && strings.TrimSpace(p[key]) != java.except:
			f.add(key, java.weight, java.reason)
		case f.has(key):
		case ofTopic(w, key):
			f.add(key, Ignored, "it is for the topic's creation, and not looked at again")
		case said || workerconfig.Knows(w.Mode, key) || kafkaclient.AdminClient.Knows(key) || ofTasks(key) || key == "header.converter":
			f.add(key, OK, "")
		case kafkaclient.ProducerClient.Knows(key):
			f.add(key, Ignored, "Java's worker has it for its own producers, not for connectors': for these write producer."+key)
		case kafkaclient.ConsumerClient.Knows(key):
			f.add(key, Ignored, "Java's worker has it for its own consumers, not for connectors': for these write consumer."+key)
		default:
			f.add(key, Unknown, "no such key here, it has no effect")
		}
	}
	return f.sorted()
}

// Warnings are what a worker that starts has to say of its own keys: those that do nothing here, or not what they do in Java. What keeps it from
// starting is not among them.
func Warnings(w *workerconfig.Worker, classes *catalog.Catalog) []Finding {
	c := Check{Worker: w, Catalog: classes, KnownMAC: func(string) bool { return true }}
	return slices.DeleteFunc(c.workerKeys(), func(f Finding) bool {
		// A topic that is created has its settings, and what is found in plugin.path the worker says itself.
		return f.Weight == OK || f.Weight == Blocks || ofTopic(w, f.Key) || f.Key == "plugin.path"
	})
}

// ofTopic tells settings of the internal topics, which may be any.
func ofTopic(w *workerconfig.Worker, key string) bool {
	for prefix, topic := range map[string]workerconfig.StorageTopic{
		"config.storage.": w.Config, "offset.storage.": w.Offset, "status.storage.": w.Status,
	} {
		if _, setting := topic.Settings[strings.TrimPrefix(key, prefix)]; setting && strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// ofTasks tells the keys of tasks' clients and of converters, which others judge.
func ofTasks(key string) bool {
	return slices.ContainsFunc([]string{"producer.", "consumer.", "admin.", "key.converter.", "value.converter.", "header.converter."}, func(prefix string) bool {
		return strings.HasPrefix(key, prefix)
	})
}

// own are the keys of the worker's own clients: without those that the worker alone knows, or that there is a word on.
func own(p workerconfig.Properties) workerconfig.Properties {
	return without(p.Clients(), func(key string) bool {
		_, said := wordOn(key)
		return said || !kafkaclient.AdminClient.Knows(key)
	})
}

// admin are the keys of tasks' admin clients: admin.listeners is REST's.
func admin(p workerconfig.Properties) workerconfig.Properties {
	return without(p.Under("admin."), func(key string) bool { return key == "listeners" || strings.HasPrefix(key, "listeners.") })
}

func without(p workerconfig.Properties, drop func(key string) bool) workerconfig.Properties {
	maps.DeleteFunc(p, func(key, _ string) bool { return drop(key) })
	return p
}

// clients judges the keys of a kind of client, which stand under a prefix in the configuration. Tasks' clients have nothing else of the worker's but
// its bootstrap.servers.
func (f *findings) clients(kind kafkaclient.Client, prefix string, p workerconfig.Properties) {
	warnings, errs := judged(kind, p)
	for _, e := range errs {
		if !f.blocked(prefix + e.Key) {
			f.quote(prefix+e.Key, Blocks, e.Cause.Error())
		}
	}
	for _, w := range warnings {
		if !f.has(prefix + w.Key) {
			f.quote(prefix+w.Key, clientWeight(w), w.Text)
		}
	}
}

// clientWeight is the weight of a client key's warning.
func clientWeight(w kafkaclient.Warning) Weight {
	switch {
	case !w.Client.Knows(w.Key):
		return Unknown
	case w.Key == "interceptor.classes", w.Key == "metric.reporters":
		return Missing
	case w.Key == "acks": // it has its effect, and that is what the warning is about
		return OK
	}
	return Ignored
}

// judged has the client factory look at the keys of a client.
func judged(kind kafkaclient.Client, p map[string]string) (warnings []kafkaclient.Warning, errs []*kafkaclient.KeyError) {
	if len(p) == 0 {
		return nil, nil
	}
	complete := kafkaclient.Properties(maps.Clone(p))
	if complete["bootstrap.servers"] == "" {
		complete["bootstrap.servers"] = "localhost:9092"
	}
	build := map[kafkaclient.Client]func(kafkaclient.Properties) (*kafkaclient.Settings, error){
		kafkaclient.AdminClient: kafkaclient.AdminSettings, kafkaclient.ProducerClient: kafkaclient.ProducerSettings,
		kafkaclient.ConsumerClient: kafkaclient.ConsumerSettings,
	}[kind]
	settings, err := build(complete)
	if err != nil {
		if errs = kafkaclient.KeyErrors(err); len(errs) == 0 {
			errs = []*kafkaclient.KeyError{{Cause: err}}
		}
		return nil, errs
	}
	return settings.Warnings, nil
}

// workerClasses judges what the worker's own properties name.
func (f *findings) workerClasses(w *workerconfig.Worker, classes *catalog.Catalog) {
	for _, key := range converterKeys {
		f.options(key, w.Properties, classes)
		if class := w.Properties[key]; class != "" && !isConverter(classes, key, class) && !f.has(key) {
			f.add(key, Blocks, fmt.Sprintf("there is no %s here: name one that is, %s, and give connectors their own where they need it",
				class, choice(converters(classes, key))))
		}
	}
	if policy := w.OverridePolicy; !validation.OverridePolicy(policy).Known() {
		f.add("connector.client.config.override.policy", Blocks, policy+" is a Java class: use All, Principal or None")
	}
	for _, class := range w.Extensions {
		if class != workerconfig.BasicAuth {
			f.add("rest.extension.classes", Blocks, fmt.Sprintf("%s is a Java class: use %s, or put a proxy in front of REST that does the same", class, workerconfig.BasicAuth))
		}
	}
	f.certificates(w.Listeners, w.TLS)
	f.certificates(w.AdminListeners, w.AdminTLS)
}

// certificates looks for what https listeners need.
func (f *findings) certificates(listeners []string, of workerconfig.ListenerTLS) {
	if !slices.ContainsFunc(listeners, func(l string) bool { return strings.HasPrefix(strings.ToLower(l), "https:") }) {
		return
	}
	_, err := of.Stores.Server(of.ClientAuth)
	if wrong := new(certstore.Error); errors.As(err, &wrong) && !f.has(wrong.Key) {
		f.quote(wrong.Key, Blocks, wrong.Cause.Error())
	}
}

// isConverter reports whether a class is here and fits the key.
func isConverter(classes *catalog.Catalog, key, class string) bool {
	d, err := classes.Converter(strings.TrimSpace(class))
	return err == nil && slices.Contains(converters(classes, key), d.Spec.Class)
}

func converters(classes *catalog.Catalog, key string) []string {
	if key == "header.converter" {
		return classes.HeaderConverters()
	}
	return classes.Converters()
}

// choice lists classes by the names that configurations may use for short.
func choice(classes []string) string {
	var names []string
	for _, class := range classes {
		names = append(names, class[strings.LastIndexAny(class, ".$")+1:])
	}
	return strings.Join(names, ", ")
}
