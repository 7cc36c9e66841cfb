// Package mqtt has the MQTT source and sink connectors, with the property names of Confluent's. They speak MQTT 5 through
// eclipse/paho.golang, and 3.1.1, for brokers that know no other, through the codec of eclipse/paho.mqtt.golang.
//
// The source tells the broker "received" (PUBACK, PUBREC) only after Kafka has the record, in the order in which the
// messages came. The sink commits a Kafka offset only after the broker's PUBACK or PUBCOMP, and sends everything that was
// not acknowledged again, in order, after a reconnect.
//
// # How it is built
//
// A [link] keeps one connection per task alive: it dials, connects, backs off, and says Waiting and Healthy to the runtime.
// What happens on the connection is decided by a session, which implements paho's SessionManager: the subscriber of the
// source and the publisher of the sink. That is where packet ids, the windows and the acknowledgements live; paho's own ack
// tracker, ack ticker and publish futures are not used, because they cost a timer, a channel or a linear search a message. A [client3] translates
// 3.1.1 for the same sessions, so that there is one set of rules.
//
// What paho reads, it reads from a [conn], whose [stream] takes PUBLISH and the answers to it out of what the socket brings and gives them to
// the session, many at a time and without a copy. Paho has the rest: connecting, subscribing, pinging, and the end. It would make four
// kilobytes of garbage of a message of 256 bytes.
//
// A message becomes a record in [mapping], a record a message in [publishing]; package payload knows formats and compressions. What a task cannot do with
// its broker is looked for by a probe when the configuration is submitted.
package mqtt
