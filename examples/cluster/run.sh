#!/bin/sh
# Three workers on this machine, to kill one and watch.
#
#   examples/cluster/run.sh                  against an embedded Kafka
#   examples/cluster/run.sh kafka:9092       against yours
#
# Environment: REST_PORT (8083) is the first of three ports, KAFKA_PORT (9092) and MQTT_PORT (1883) those of the embedded brokers.
set -eu
cd "$(dirname "$0")/../.."
REST_PORT=${REST_PORT:-8083} KAFKA_PORT=${KAFKA_PORT:-9092} MQTT_PORT=${MQTT_PORT:-1883}
[ -x bin/sluice ] || make -s build

dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-cluster.XXXXXX")
children=
finish() {
	trap - EXIT INT TERM
	echo
	echo "ending"
	# shellcheck disable=SC2086 # one argument a process
	kill $children 2>/dev/null || true
	wait
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 0' INT TERM

kafka=${1:-}
if [ -z "$kafka" ]; then
	kafka=127.0.0.1:$KAFKA_PORT
	bin/sluice dev --brokers --kafka-port "$KAFKA_PORT" --mqtt-port "$MQTT_PORT" >"$dir/brokers.log" 2>&1 &
	children="$children $!"
fi

# A line a tenth of a second, for the connectors to carry.
(i=0; while sleep 0.1; do i=$((i + 1)); echo "tick $i"; done) >"$dir/ticks" &
children="$children $!"

n=0
workers=
while [ $n -lt 3 ]; do
	url=http://127.0.0.1:$((REST_PORT + n))
	n=$((n + 1))
	bin/sluice worker examples/cluster/worker.properties --set "bootstrap.servers=$kafka" --set "listeners=$url" >"$dir/worker-$n.log" 2>&1 &
	children="$children $!"
	workers="$workers
    worker $n   $url   pid $!   log $dir/worker-$n.log"
done

first=http://127.0.0.1:$REST_PORT
tries=0
until curl -sf -o /dev/null "$first/connectors"; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ]; then
		echo "worker 1 is not ready after 30 seconds; its log:" >&2
		tail -5 "$dir/worker-1.log" >&2
		exit 1
	fi
	sleep 0.1
done

put() {
	curl -sf -o /dev/null --retry 5 --retry-all-errors -X PUT -H 'Content-Type: application/json' -d "$2" "$first/connectors/$1/config" ||
		{ echo "connector $1 could not be created" >&2; exit 1; }
}
for i in 1 2 3 4 5 6; do
	put "ticks-$i" "{\"connector.class\": \"FileStreamSource\", \"file\": \"$dir/ticks\", \"topic\": \"ticks\"}"
done
put printer "{\"connector.class\": \"FileStreamSink\", \"tasks.max\": \"3\", \"topics\": \"ticks\", \"file\": \"$dir/printed\"}"

cat <<TEXT

  Three workers, one cluster, on the Kafka at $kafka
$workers

    ticks (a file) --[ ticks-1 ... ticks-6 ]-->  Kafka topic ticks  --[ printer, 3 tasks ]-->  $dir/printed

  try next, in another terminal
    bin/sluice cluster --watch --server $first
    kill -9 PID      of a worker: its work is elsewhere 6 + 10 seconds later
    kill PID         it leaves in order: the others wait 10 seconds for its return
    tail -f $dir/printed

  Ctrl-C ends everything.
TEXT
wait
