package main

import (
	"fmt"
	"time"

	"gridgate/protocols/alert"
)

// The township of the workload: 5,000 keys in 500 grids, as the trials of the design had it.
const (
	benchEdge    = "bench"
	benchDevices = 5000
	benchGrids   = 500
)

// makeAlert returns the n-th alert of the workload. Two with the same number are of the same key, and their ids differ.
func makeAlert(n int, now time.Time) alert.Alert {
	device := fmt.Sprintf("sensor-%04d", n%benchDevices)
	id := alert.NewID()
	return alert.Alert{
		ID: id, Source: alert.SensorSource(benchEdge, device), Kind: alert.WaterLevel, State: alert.Raised, Situation: id,
		Key: alert.KeyOf(benchEdge, device, "", alert.WaterLevel), Severity: alert.Major,
		Grid: fmt.Sprintf("330106001001%03d", n%benchGrids), OccurredAt: now, Clock: alert.EdgeClock, RaisedAt: now,
		Reading: &alert.Measure{Quantity: "level", Value: float64(n%400) / 100, Unit: "m"}, Origin: "bench",
	}
}
