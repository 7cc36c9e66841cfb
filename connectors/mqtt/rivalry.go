package mqtt

import (
	"context"
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// rivalry notices another client with the same client id where the broker does not say so: one of MQTT 3.1.1 cannot, and mosquitto 2.0 does not. The two
// take the session from each other, so that connections end soon after they stood; but so do those over a bad network. Therefore a
// connection under another id is tried. If that one stands, and the next ones under the own id do not, it is the id.
type rivalry struct {
	short   int           // connections in a row that ended within shortLife
	longest time.Duration // of them
	proved  bool          // a connection under another id stood
}

const (
	// shortLife is how soon a connection must end to look like one that somebody else took over.
	shortLife = 10 * time.Second
	// rivalAfter is how many such connections in a row raise the question.
	rivalAfter = 3
	// rivalWait is how long a connection under another id must stand at least.
	rivalWait = 2 * time.Second
)

// explainer is a peer that may know another reason for connections that end soon.
type explainer interface{ explains() bool }

// suspect looks at the end of a connection that stood for so long, 0 for one that never did.
func (l *link) suspect(ctx context.Context, err error, stood time.Duration) error {
	r := &l.rival
	if e, ok := l.peer.(explainer); err == nil || stood == 0 || stood > shortLife || ok && e.explains() {
		*r = rivalry{}
		return err
	}
	r.short++
	r.longest = max(r.longest, stood)
	switch {
	case r.short < rivalAfter:
		return err
	case r.proved:
		return takenOver(&l.broker, l.broker.servers[0])
	}
	l.rt.Waiting(fmt.Errorf("%w (%d times in a row soon after connecting: finding out whether another connection uses client id %q)",
		err, r.short, l.broker.clientID), time.Now())
	r.proved = l.standsAs(ctx, l.broker.clientID+"-probe", min(shortLife, max(rivalWait, 3*r.longest)))
	*r = rivalry{proved: r.proved} // unless it is proved, it was the network or the broker
	return err
}

// standsAs reports whether a connection under another client id stands for so long.
func (l *link) standsAs(ctx context.Context, id string, d time.Duration) bool {
	b := l.broker
	b.clientID, b.cleanStart, b.sessionExpiry, b.status = id, true, 0, nil
	other := &link{broker: b, peer: probe{newSubscriber(newQueue(probeMessages, probeBytes, dropNewest), false)}}
	up, err := other.connect(ctx)
	if err != nil {
		return false
	}
	defer func() {
		_ = up.client.Disconnect(&paho.Disconnect{ReasonCode: packets.DisconnectNormalDisconnection})
		<-up.client.Done()
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-up.down:
	case <-ctx.Done():
	}
	return false
}

// takenOver is the end of the task: to reconnect would be to fight for the session.
func takenOver(b *broker, s server) error {
	return &final{fmt.Errorf("MQTT broker %s gave client id %q to another connection: a second connector or an old worker uses it; "+
		"stop that one, or give this connector another mqtt.client.id", s, b.clientID)}
}
