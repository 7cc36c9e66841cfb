// Package assignment holds what the workers of a Connect group tell one another when they divide the work: a member's state
// ([WorkerState]), the leader's answer to it ([Assignment]), the bytes of both in the three sub-protocols ([Protocol]), and the two
// assignors that a leader runs, [RoundRobin] and [Incremental]. [Leader] puts them together for a round.
//
// The bytes and the decisions are those of Kafka Connect, so Java workers and ours can be members, and leaders, of one group: KIP-415
// and KIP-507; ConnectProtocol, IncrementalCooperativeConnectProtocol, EagerAssignor and IncrementalCooperativeAssignor in
// org.apache.kafka.connect.runtime.distributed. Nothing in here does I/O or waits.
package assignment
