// Package crew proves with real processes that workers make one cluster: Sluice workers among themselves and with workers of Java's Kafka Connect, on
// a real Apache Kafka, killed, frozen, restarted in turn and replaced by one another.
//
// Lines with numbers are appended to files while the cluster works; file connectors carry each file to a topic of its own, and a sink copies
// the topics. A [Flow] enters every line into a ledger and judges what both ends have: nothing missing, order kept, how much twice, and the longest
// silence in each topic by the broker's own clock.
package crew
