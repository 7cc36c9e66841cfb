// Package group is the membership of one worker in a Kafka group with classic rebalances: finding the coordinator, joining, heartbeats, leaving
// (org.apache.kafka.clients.consumer.internals.AbstractCoordinator). It knows nothing of what members tell each other: that are bytes to it. It speaks by
// sarama's Broker, one request a call, because sarama's own consumer group is for consumers only.
package group
