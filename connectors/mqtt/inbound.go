package mqtt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/mqtt/payload"
)

// inbound is a message on its way into a record. One value is used for all messages of a task.
type inbound struct {
	pub     *packets.Publish
	at      int64  // time of arrival, milliseconds since 1970
	payload []byte // decompressed
	tooLong int    // bytes of a payload that was not taken
	cbor    bool   // the payload is CBOR, else JSON

	decoded bool // doc and docErr are those of this message
	doc     connect.Value
	docErr  error
}

func (in *inbound) reset(m *message) {
	*in = inbound{pub: &m.pub, at: m.at, tooLong: m.tooLong, cbor: in.cbor}
}

// document decodes the payload, once a message.
func (in *inbound) document() (connect.Value, error) {
	if !in.decoded {
		in.decoded = true
		if in.cbor {
			in.doc, in.docErr = payload.CBOR(in.payload)
		} else {
			in.doc, in.docErr = payload.JSON(in.payload)
		}
	}
	return in.doc, in.docErr
}

// property finds the first user property of a name.
func (in *inbound) property(name string) (string, bool) {
	user := in.pub.Properties.User
	for i := range user {
		if user[i].Key == name {
			return user[i].Value, true
		}
	}
	return "", false
}

// at finds a place in the payload, as text.
func (in *inbound) field(path payload.Path) (string, error) {
	doc, err := in.document()
	if err != nil {
		return "", fmt.Errorf("looking into the payload: %w", err)
	}
	v, ok := path.Of(doc)
	if !ok || v.IsNull() {
		return "", errMissing
	}
	text, ok := scalar(v)
	if !ok {
		return "", fmt.Errorf("what is there in the payload is of kind %s, which has no form as text", v.Kind())
	}
	return text, nil
}

// inboundVariable resolves the variables of kafka.topic and kafka.key.
func inboundVariable(filters filterSet) func(name string) (variable[*inbound], error) {
	return func(name string) (variable[*inbound], error) {
		switch {
		case name == "topic":
			return func(in *inbound) (string, error) { return in.pub.Topic, nil }, nil
		case strings.HasPrefix(name, "topic[") && strings.HasSuffix(name, "]"):
			l, err := parseLevels(name[len("topic[") : len(name)-1])
			if err != nil {
				return nil, err
			}
			return func(in *inbound) (string, error) { return present(l.of(in.pub.Topic)) }, nil
		case name == "filter":
			return func(in *inbound) (string, error) { return present(filters.of(in.pub.Topic)) }, nil
		case strings.HasPrefix(name, "user."):
			want := name[len("user."):]
			return func(in *inbound) (string, error) { return present(in.property(want)) }, nil
		case name == "content.type":
			return func(in *inbound) (string, error) {
				return present(in.pub.Properties.ContentType, in.pub.Properties.ContentType != "")
			}, nil
		case strings.HasPrefix(name, "json:"):
			path, err := payload.ParsePath(name[len("json:"):])
			if err != nil {
				return nil, err
			}
			return func(in *inbound) (string, error) { return in.field(path) }, nil
		case name == "client.id":
			return nil, errors.New("${client.id} is of devices that connect to Sluice itself: a broker does not say who published")
		}
		return nil, fmt.Errorf("${%s} is not known here: there are ${topic}, ${topic[n]}, ${topic[a:b]}, ${filter}, ${user.NAME}, ${content.type}, ${json:$.path}", name)
	}
}
