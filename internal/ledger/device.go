package ledger

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// burst is how many messages a device has unacknowledged at most: it publishes so many and waits for all of them.
const burst = 200

// reading is the size of a payload in bytes, where nothing else is said.
const reading = 256

// Device is an MQTT 5 client that publishes numbered messages as fast as its broker takes them. It is for one goroutine.
type Device struct {
	// Size is the size of its payloads in bytes, at least 16; [ConnectDevice] sets 256.
	Size int

	ledger *Ledger
	conn   net.Conn
	in     *bufio.Reader
	out    *bufio.Writer
}

// ConnectDevice connects to a broker at host:port with a clean session. Everything the device does ends with ctx.
func ConnectDevice(ctx context.Context, l *Ledger, addr, clientID string) (*Device, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting device %s: %w", clientID, err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	d := &Device{Size: reading, ledger: l, conn: conn, in: bufio.NewReader(conn), out: bufio.NewWriterSize(conn, 64<<10)}
	hello := packets.NewControlPacket(packets.CONNECT)
	c := hello.Content.(*packets.Connect)
	c.ClientID, c.CleanStart, c.ProtocolName, c.ProtocolVersion = clientID, true, "MQTT", 5
	if err := d.send(hello); err != nil {
		return nil, err
	}
	answer, err := d.receive()
	if err != nil {
		return nil, err
	}
	if ack, ok := answer.Content.(*packets.Connack); !ok || ack.ReasonCode != packets.ConnackSuccess {
		return nil, fmt.Errorf("connecting device %s: refused: %v", clientID, answer.Content)
	}
	return d, nil
}

// Close ends the connection.
func (d *Device) Close() error { return d.conn.Close() }

// Publish sends n messages to each of the topics in turn, with QoS 1 or 2, and returns when the broker has taken all of them. It asks mayGo before
// each burst, which may have it wait. A message's payload is its number in the ledger, filled up to Size.
func (d *Device) Publish(qos byte, n int, mayGo func(messages int) error, topics ...string) error {
	pending := make([]Message, 0, burst)
	for range n {
		for _, topic := range topics {
			pending = append(pending, Message{topic, d.ledger.Send(topic)})
			if len(pending) == burst {
				if err := mayGo(burst); err != nil {
					return err
				}
				if err := d.deliver(qos, pending); err != nil {
					return err
				}
				pending = pending[:0]
			}
		}
	}
	return d.deliver(qos, pending)
}

// deliver publishes one burst; message i has packet id i+1.
func (d *Device) deliver(qos byte, burst []Message) error {
	for i, m := range burst {
		p := packets.NewControlPacket(packets.PUBLISH)
		publish := p.Content.(*packets.Publish)
		publish.Topic, publish.QoS, publish.PacketID = m.Stream, qos, uint16(i+1)
		publish.Payload = m.payload(d.Size)
		if _, err := p.WriteTo(d.out); err != nil {
			return fmt.Errorf("publishing %v: %w", m, err)
		}
	}
	if err := d.out.Flush(); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	for taken := 0; taken < len(burst); {
		id, err := d.settle()
		if err != nil {
			return err
		}
		if id > 0 {
			d.ledger.Promise(burst[id-1].Stream, burst[id-1].Number)
			taken++
		}
	}
	return nil
}

// payload is the message's number, filling, and a full stop.
func (m Message) payload(size int) []byte {
	text := append(strconv.AppendInt(make([]byte, 0, size), int64(m.Number), 10), ' ')
	for len(text) < size-1 {
		text = append(text, 'x')
	}
	return append(text, '.')
}

// numberOf reads what payload wrote; a message that was cut is an error.
func numberOf(payload []byte) (int, error) {
	number, _, _ := bytes.Cut(payload, []byte(" "))
	if !bytes.HasSuffix(payload, []byte(".")) {
		return 0, fmt.Errorf("a message was cut after %d bytes", len(payload))
	}
	n, err := strconv.Atoi(string(number))
	if err != nil {
		return 0, fmt.Errorf("reading the number of a message: %w", err)
	}
	return n, nil
}

// settle reads one answer and returns the id of the message that is now the broker's, 0 while QoS 2 needs another step.
func (d *Device) settle() (uint16, error) {
	p, err := d.receive()
	if err != nil {
		return 0, err
	}
	switch answer := p.Content.(type) {
	case *packets.Puback:
		return answer.PacketID, refused(answer.ReasonCode)
	case *packets.Pubrec:
		release := packets.NewControlPacket(packets.PUBREL)
		release.Content.(*packets.Pubrel).PacketID = answer.PacketID
		if err := refused(answer.ReasonCode); err != nil {
			return 0, err
		}
		return 0, d.send(release)
	case *packets.Pubcomp:
		return answer.PacketID, refused(answer.ReasonCode)
	default:
		return 0, fmt.Errorf("publishing: the broker answered with %T", answer)
	}
}

// refused is an error for the codes that say so; 0x10, nobody has subscribed, is none.
func refused(code byte) error {
	if code >= 0x80 {
		return fmt.Errorf("publishing: the broker refused a message: reason code 0x%02X", code)
	}
	return nil
}

func (d *Device) send(p *packets.ControlPacket) error {
	if _, err := p.WriteTo(d.out); err != nil {
		return fmt.Errorf("writing to the MQTT broker: %w", err)
	}
	if err := d.out.Flush(); err != nil {
		return fmt.Errorf("writing to the MQTT broker: %w", err)
	}
	return nil
}

func (d *Device) receive() (*packets.ControlPacket, error) {
	p, err := packets.ReadPacket(d.in)
	if err != nil {
		return nil, fmt.Errorf("reading from the MQTT broker: %w", err)
	}
	return p, nil
}
