package store

import "time"

// Horizon says what retention gives free. The zero time keeps all of its sort.
type Horizon struct {
	Cases    time.Time // closed cases whose last event is older, with alerts, history and evidence; alerts that joined no case and were received before
	Evidence time.Time // evidence received before, unless its case is open, acknowledged or held
}

// Pruned is what one [Store.Prune] deleted.
type Pruned struct {
	Cases, Alerts, Events, Evidence int64
	More                            bool // call again: there is more to delete
}
