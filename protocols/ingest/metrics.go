package ingest

// EdgeMetrics is the closed list of names that [SyncRequest.Metrics] may hold. Names and units follow Prometheus: base units, "_total"
// for counters since the edge started. Central keeps each with the one label "edge" and drops every other name.
var EdgeMetrics = []string{
	"process_cpu_seconds_total",
	"process_resident_memory_bytes",
	"go_goroutines",
	"gridgate_edge_disk_free_bytes",

	"gridgate_edge_cameras",
	"gridgate_edge_cameras_streaming",
	"gridgate_edge_sensors",
	"gridgate_edge_sensors_online",

	"gridgate_edge_frames_decoded_total",
	"gridgate_edge_decode_failures_total",
	"gridgate_edge_decode_restarts_total",
	"gridgate_edge_decode_busy_seconds_total",
	"gridgate_edge_mqtt_messages_total",
	"gridgate_edge_mqtt_refused_total",

	"gridgate_edge_alerts_raised_total",
	"gridgate_edge_pictures_made_total",
	"gridgate_edge_pictures_refused_total",
	"gridgate_edge_outbox_bytes",
	"gridgate_edge_outbox_shed_total",
	"gridgate_edge_alerts_delivered_total",
	"gridgate_edge_alerts_rejected_total",
	"gridgate_edge_evidence_pending",
	"gridgate_edge_readings_pending",
}
