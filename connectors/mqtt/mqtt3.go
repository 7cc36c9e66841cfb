package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session"
	packets3 "github.com/eclipse/paho.mqtt.golang/packets"
)

// client is what a connection's owner asks of it: paho's for MQTT 5, [client3] for 3.1.1.
type client interface {
	Subscribe(context.Context, *paho.Subscribe) (*paho.Suback, error)
	Unsubscribe(context.Context, *paho.Unsubscribe) (*paho.Unsuback, error)
	Disconnect(*paho.Disconnect) error
	Done() <-chan struct{}
}

// client3 speaks MQTT 3.1.1 with the codec of paho.mqtt.golang, and translates for a session that knows MQTT 5. That library's own client is not used: it
// keeps acknowledgements and reconnects to itself, and both are the session's and the link's.
type client3 struct {
	conn    *conn
	session session.SessionManager
	lost    func(error)
	work    sync.WaitGroup
	done    chan struct{}
}

// connect3 says CONNECT and waits for CONNACK. ctx bounds it.
func connect3(ctx context.Context, b *broker, up *uplink, password string, s session.SessionManager, lost func(error)) (*client3, *paho.Connack, error) {
	c := &client3{conn: up.conn, session: s, lost: lost, done: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { _ = up.conn.Close() })
	defer stop()
	c.write(b.request3(password))
	packet, err := packets3.ReadPacket(c.conn)
	if err != nil {
		return nil, nil, errors.Join(err, ctx.Err())
	}
	ack, ok := packet.(*packets3.ConnackPacket)
	if !ok {
		return nil, nil, fmt.Errorf("%T came instead of CONNACK", packet)
	}
	answer := &paho.Connack{SessionPresent: ack.SessionPresent, ReasonCode: connack5[ack.ReturnCode], Properties: &paho.ConnackProperties{
		RetainAvailable: true, WildcardSubAvailable: true, SharedSubAvailable: true, // what is not said: it shows when it is tried
	}}
	if ack.ReturnCode != 0 {
		if answer.ReasonCode == 0 {
			answer.ReasonCode = packets.ConnackUnspecifiedError
		}
		return nil, answer, errors.New("refused")
	}
	if err := s.ConAckReceived(up.conn, &packets.Connect{Properties: &packets.Properties{}},
		&packets.Connack{SessionPresent: ack.SessionPresent, Properties: &packets.Properties{}}); err != nil {
		return nil, nil, err
	}
	if !stop() {
		_ = s.ConnectionLost(nil)
		return nil, nil, ctx.Err()
	}
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	c.work.Go(func() {
		if err := (&pinger{timeout: b.pingTimeout}).Run(alive, c.conn, b.keepAlive); err != nil {
			c.lost(err)
		}
	})
	go func() {
		defer close(c.done)
		c.lost(c.read())
		_ = c.conn.Close()
		end()
		c.work.Wait()
		_ = s.ConnectionLost(nil)
	}()
	return c, answer, nil
}

// connack5 are the reason codes of MQTT 5 that say what the return codes of 3.1.1 do.
var connack5 = map[byte]byte{
	packets3.ErrRefusedBadProtocolVersion:    packets.ConnackUnsupportedProtocolVersion,
	packets3.ErrRefusedIDRejected:            packets.ConnackInvalidClientID,
	packets3.ErrRefusedServerUnavailable:     packets.ConnackServerUnavailable,
	packets3.ErrRefusedBadUsernameOrPassword: packets.ConnackBadUsernameOrPassword,
	packets3.ErrRefusedNotAuthorised:         packets.ConnackNotAuthorized,
}

// request3 is the CONNECT packet of MQTT 3.1.1.
func (b *broker) request3(password string) packets3.ControlPacket {
	p := packets3.NewControlPacket(packets3.Connect).(*packets3.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion = "MQTT", 4
	p.ClientIdentifier, p.CleanSession, p.Keepalive = b.clientID, b.cleanStart, b.keepAlive
	p.Username, p.UsernameFlag = b.username, b.username != ""
	p.Password, p.PasswordFlag = []byte(password), password != ""
	if b.status != nil {
		will, _ := b.status.will(b.clientID)
		p.WillFlag, p.WillQos, p.WillRetain, p.WillTopic, p.WillMessage = true, will.QoS, will.Retain, will.Topic, will.Payload
	}
	return p
}

// write puts a whole packet.
func (c *client3) write(p packets3.ControlPacket) {
	c.conn.put(encode3(p))
}

func encode3(p packets3.ControlPacket) []byte {
	var b bytes.Buffer
	_ = p.Write(&b) // a buffer takes everything
	return b.Bytes()
}

// read hands packets to the session until the connection ends.
func (c *client3) read() error {
	for {
		p, err := packets3.ReadPacket(c.conn)
		if err != nil {
			return err
		}
		if err := c.receive(p); err != nil {
			return err
		}
	}
}

// receive takes what the connection leaves over: messages and their answers never come here.
func (c *client3) receive(p packets3.ControlPacket) error {
	switch p := p.(type) {
	case *packets3.SubackPacket:
		return c.pass(packets.SUBACK, &packets.Suback{PacketID: p.MessageID, Reasons: p.ReturnCodes})
	case *packets3.UnsubackPacket:
		return c.pass(packets.UNSUBACK, &packets.Unsuback{PacketID: p.MessageID})
	case *packets3.PingrespPacket:
		return nil
	}
	return fmt.Errorf("the broker sent %T", p)
}

func (c *client3) pass(kind byte, content packets.Packet) error {
	return c.session.PacketReceived(&packets.ControlPacket{FixedHeader: packets.FixedHeader{Type: kind}, Content: content}, nil)
}

// Subscribe sends SUBSCRIBE and waits for SUBACK.
func (c *client3) Subscribe(ctx context.Context, s *paho.Subscribe) (*paho.Suback, error) {
	p := packets3.NewControlPacket(packets3.Subscribe).(*packets3.SubscribePacket)
	for _, one := range s.Subscriptions {
		p.Topics, p.Qoss = append(p.Topics, one.Topic), append(p.Qoss, one.QoS)
	}
	answer, err := c.ask(ctx, &packets.Subscribe{}, func(id uint16) packets3.ControlPacket { p.MessageID = id; return p })
	if err != nil {
		return nil, err
	}
	ack, ok := answer.Content.(*packets.Suback)
	if !ok {
		return nil, session.ErrNoConnection
	}
	return &paho.Suback{Reasons: ack.Reasons}, nil
}

// Unsubscribe sends UNSUBSCRIBE and waits for UNSUBACK.
func (c *client3) Unsubscribe(ctx context.Context, u *paho.Unsubscribe) (*paho.Unsuback, error) {
	p := packets3.NewControlPacket(packets3.Unsubscribe).(*packets3.UnsubscribePacket)
	p.Topics = u.Topics
	answer, err := c.ask(ctx, &packets.Unsubscribe{}, func(id uint16) packets3.ControlPacket { p.MessageID = id; return p })
	if err != nil {
		return nil, err
	}
	if _, ok := answer.Content.(*packets.Unsuback); !ok {
		return nil, session.ErrNoConnection
	}
	return &paho.Unsuback{}, nil
}

// ask lets the session number a request and waits for its answer.
func (c *client3) ask(ctx context.Context, numbered request, packet func(id uint16) packets3.ControlPacket) (packets.ControlPacket, error) {
	reply := make(chan packets.ControlPacket, 1)
	if err := c.session.AddToSession(ctx, numbered, reply); err != nil {
		return packets.ControlPacket{}, err
	}
	c.write(packet(identifier(numbered)))
	select {
	case answer := <-reply:
		return answer, nil
	case <-ctx.Done():
		return packets.ControlPacket{}, ctx.Err()
	}
}

// request is SUBSCRIBE or UNSUBSCRIBE of MQTT 5, as the session numbers it.
type request interface{ session.Packet }

func identifier(p request) uint16 {
	switch p := p.(type) {
	case *packets.Subscribe:
		return p.PacketID
	case *packets.Unsubscribe:
		return p.PacketID
	}
	return 0
}

// Disconnect sends DISCONNECT, and all that waits before it, and closes the connection.
func (c *client3) Disconnect(*paho.Disconnect) error {
	c.write(packets3.NewControlPacket(packets3.Disconnect))
	return c.conn.Close()
}

// Done is closed when the connection has ended and the session knows.
func (c *client3) Done() <-chan struct{} { return c.done }

var _ client = (*client3)(nil)
var _ client = (*paho.Client)(nil)
