package mqtt

import (
	"fmt"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/sluice-connect/sluice/connect"
)

// presence is what a task publishes about itself (mqtt.status.*): that it is there, and by the broker's hand that it is not.
type presence struct {
	topic           template[string] // of client ids
	online, offline template[string]
	qos             byte
	retain          bool
	delay           uint32 // of the will, seconds
}

// Packet ids of these messages, which nothing else uses. There are two, because the last word may come before the first is answered.
const (
	onlineID  = 65535
	offlineID = 65534
)

// newPresence returns nil where none is wanted.
func newPresence(cfg connect.Config) (*presence, error) {
	if !statusTopic.Set(cfg) {
		return nil, nil
	}
	p := &presence{qos: byte(statusQoS.Get(cfg)), retain: statusRetained.Get(cfg), delay: uint32(statusWillDelay.Get(cfg))}
	for _, t := range []struct {
		key connect.Key[string]
		to  *template[string]
	}{{statusTopic, &p.topic}, {statusOnline, &p.online}, {statusOffline, &p.offline}} {
		var err error
		if *t.to, err = compile(t.key.Get(cfg), presenceVariable); err != nil {
			return nil, &connect.ConfigError{Key: t.key.Name(), Reason: err.Error()}
		}
	}
	topic, _ := p.topic.render("x")
	if err := (&publishing{dollar: true}).checkTopic(topic); err != nil {
		return nil, &connect.ConfigError{Key: statusTopic.Name(), Reason: err.Error()}
	}
	return p, nil
}

func presenceVariable(name string) (variable[string], error) {
	if name == "client.id" {
		return func(id string) (string, error) { return id, nil }, nil
	}
	return nil, fmt.Errorf("${%s} is not known here: there is ${client.id}", name)
}

// will is what the broker publishes when the task is gone without a word.
func (p *presence) will(clientID string) (*paho.WillMessage, *paho.WillProperties) {
	topic, _ := p.topic.render(clientID)
	payload, _ := p.offline.render(clientID)
	return &paho.WillMessage{Topic: topic, Payload: []byte(payload), QoS: p.qos, Retain: p.retain}, &paho.WillProperties{WillDelayInterval: &p.delay}
}

// say publishes one of the two. The broker's answer is taken by [presenceAnswered]. The last word has QoS 1 at most: nobody waits for the second half
// of an exchange of QoS 2 before the connection ends.
func (p *presence) say(c *conn, clientID string, online bool) {
	what, qos, id := &p.offline, min(p.qos, 1), uint16(offlineID)
	if online {
		what, qos, id = &p.online, p.qos, onlineID
	}
	topic, _ := p.topic.render(clientID)
	payload, _ := what.render(clientID)
	pub := &packets.Publish{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: p.retain, Properties: &packets.Properties{}}
	if qos > 0 {
		pub.PacketID = id
	}
	c.publish(pub)
}

// presenceAnswered reports whether an answer is to one of these messages, and ends its exchange.
func presenceAnswered(c *conn, kind byte, id uint16) bool {
	if id < offlineID {
		return false
	}
	if kind == packets.PUBREC {
		c.put(appendRelease(nil, id))
	}
	return true
}
