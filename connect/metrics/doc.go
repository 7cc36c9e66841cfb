// Package metrics measures as Kafka Connect's clients do (org.apache.kafka.common.metrics) and shows it to Prometheus under the names that jmx_exporter's default
// rules give Java's attributes in lower case: kafka_connect_<group>_<attribute>, with the tags of the MBean as labels.
package metrics
