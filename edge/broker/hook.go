package broker

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"gridgate/edge/sensor"
	"gridgate/protocols/sensors"
)

// hook is how the library asks us: who may connect, who may read and write what, and whether a message may be acknowledged.
type hook struct {
	mochi.HookBase
	ctx   context.Context // of Run: the library's calls carry none
	o     Options
	users map[string]user
	exact map[string]bool // the topics without a wildcard
	wild  []string
	// owner returns the user of a session that the broker keeps; empty for none.
	owner func(clientID string) string

	// spokesman makes a client that publishes in another one's name, inject publishes as one: to subscribers, not to us.
	spokesman func(cl *mochi.Client) *mochi.Client
	inject    func(as *mochi.Client, pk packets.Packet) error

	read atomic.Bool // somebody asked to subscribe since the start; until then there is nobody to pass anything on to

	begun       chan *flight // to who waits for messages to store
	idle        atomic.Int32 // how many wait
	retained    retained
	connections atomic.Uint64
	flows       sync.Map // *flow by *mochi.Client, while it is connected
	flowing     sync.WaitGroup

	mu       sync.Mutex
	tooLarge int       // packets over the limit since they were last told of
	told     time.Time // when that was

	due   context.Context // of messages, until stale
	stale time.Time
}

type user struct {
	password [sha256.Size]byte
	publish  []string
	read     []string
}

func newHook(ctx context.Context, o Options) *hook {
	h := &hook{ctx: ctx, o: o, users: make(map[string]user, len(o.Users)), exact: map[string]bool{}, begun: make(chan *flight)}
	for _, topic := range o.Topics {
		if strings.ContainsAny(topic, "+#") {
			h.wild = append(h.wild, topic)
			continue
		}
		h.exact[topic] = true
	}
	for _, u := range o.Users {
		h.users[u.Name] = user{
			password: sha256.Sum256([]byte(u.Password)), publish: u.Publish, read: append(slices.Clone(u.Publish), u.Read...),
		}
	}
	return h
}

// ID implements [mochi.Hook].
func (h *hook) ID() string { return "gridgate" }

// Provides implements [mochi.Hook].
func (h *hook) Provides(b byte) bool {
	return slices.Contains([]byte{
		mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnWill, mochi.OnDisconnect, mochi.OnRetainedExpired,
		mochi.OnSessionEstablished, mochi.OnRetainMessage, mochi.OnPacketSent, mochi.OnPacketProcessed,
	}, b)
}

// OnConnectAuthenticate implements [mochi.Hook]. An unknown name takes as long as a wrong password, and nobody may take over
// the session of another user by its client identifier.
func (h *hook) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	name := string(pk.Connect.Username)
	if owner := h.owner(cl.ID); owner != "" && owner != name {
		return false
	}
	u, known := h.users[name]
	given := sha256.Sum256(pk.Connect.Password)
	return subtle.ConstantTimeCompare(given[:], u.password[:]) == 1 && known
}

// OnACLCheck implements [mochi.Hook]. For a subscription topic is a filter, which a user's own filter must cover.
func (h *hook) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	u, known := h.users[string(cl.Properties.Username)]
	if !known || strings.HasPrefix(topic, "$") {
		return false
	}
	filters := u.read
	if !write {
		h.read.Store(true)
	} else {
		filters = u.publish
		if slices.ContainsFunc(h.o.Reserved, func(f string) bool { return sensors.MatchFilter(f, topic) }) {
			return false
		}
	}
	return slices.ContainsFunc(filters, func(f string) bool { return covers(f, topic) })
}

// covers says whether a filter selects all that topic, itself perhaps a filter, selects.
func covers(filter, topic string) bool {
	for {
		level, below, more := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		name, under, deeper := strings.Cut(topic, "/")
		switch {
		case name == "#", level != "+" && level != name:
			return false
		case !more || !deeper:
			return more == deeper || below == "#"
		}
		filter, topic = below, under
	}
}

// OnPublish implements [mochi.Hook]. The library answers PUBACK after this returns nil, and after any error but ErrRejectPacket,
// too; with that one it says nothing. So we answer, once the message is stored, and pass it on to subscribers: see flow. With
// QoS 2 the library answers, since it remembers what was released: such a message is stored before the next one is read.
func (h *hook) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	switch {
	case cl.Net.Inline || !h.wanted(pk.TopicName):
	case pk.FixedHeader.Qos < 2:
		if !h.enter(cl, pk) {
			cl.Stop(errGone)
		}
		return pk, packets.ErrRejectPacket
	default:
		if err := h.within(h.begin(sessionOf(cl), pk, 0)); err != nil {
			cl.Stop(errors.New("a message could not be stored"))
			return pk, packets.ErrRejectPacket
		}
	}
	if pk.FixedHeader.Retain = pk.FixedHeader.Retain && h.retained.keep(pk.TopicName, len(pk.Payload)); pk.FixedHeader.Retain {
		h.retained.index.Lock()
	}
	return pk, nil
}

// OnRetainMessage implements [mochi.Hook]: after OnPublish or OnWill, if that let a message be retained.
func (h *hook) OnRetainMessage(_ *mochi.Client, pk packets.Packet, _ int64) {
	if !delayed(pk.Connect.WillProperties.WillDelayInterval) {
		h.retained.index.Unlock()
	}
}

// delayed says that the library publishes a will later, by itself.
func delayed(interval uint32) bool { return interval > 0 }

// OnPacketSent implements [mochi.Hook]: once SUBACK is sent, the library looks for what is retained.
func (h *hook) OnPacketSent(_ *mochi.Client, pk packets.Packet, _ []byte) {
	if pk.FixedHeader.Type == packets.Suback {
		h.retained.index.RLock()
	}
}

// OnPacketProcessed implements [mochi.Hook]: it has looked, if SUBACK could be sent.
func (h *hook) OnPacketProcessed(_ *mochi.Client, pk packets.Packet, err error) {
	if pk.FixedHeader.Type == packets.Subscribe && err == nil {
		h.retained.index.RUnlock()
	}
}

// OnRetainedExpired implements [mochi.Hook].
func (h *hook) OnRetainedExpired(topic string) { h.retained.keep(topic, 0) }

// OnWill implements [mochi.Hook]: the library publishes a last will past OnACLCheck and OnPublish. Nobody waits for an acknowledgement.
func (h *hook) OnWill(cl *mochi.Client, will mochi.Will) (mochi.Will, error) {
	if !h.OnACLCheck(cl, will.TopicName, true) {
		return mochi.Will{}, nil
	}
	if h.wanted(will.TopicName) {
		pk := packets.Packet{TopicName: will.TopicName, Payload: will.Payload}
		if err := h.within(h.begin(sessionOf(cl), pk, 0)); err != nil {
			h.o.Log.Warn("the last will of a sensor could not be stored", "error", err)
		}
	}
	will.Retain = will.Retain && h.retained.keep(will.TopicName, len(will.Payload))
	if will.Retain && !delayed(will.WillDelayInterval) {
		h.retained.index.Lock()
	}
	return will, nil
}

// tellEvery is the least time between two log lines about packets that are too large.
const tellEvery = time.Minute

// OnDisconnect implements [mochi.Hook]. A packet over the limit is not read, so its topic is not known: the log says whose it was.
func (h *hook) OnDisconnect(cl *mochi.Client, err error, _ bool) {
	if f, ok := h.flows.LoadAndDelete(cl); ok {
		f.(*flow).end()
	}
	name := string(cl.Properties.Username)
	if _, known := h.users[name]; !known || !errors.Is(err, packets.ErrPacketTooLarge) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tooLarge++
	if now := h.o.Now(); now.Sub(h.told) >= tellEvery {
		h.o.Log.Warn("a user of the broker sends packets that are too large and is disconnected", "user", name, "limit", h.o.MaxMessage, "packets", h.tooLarge)
		h.told, h.tooLarge = now, 0
	}
}

func (h *hook) wanted(topic string) bool {
	return len(h.o.Topics) == 0 || h.exact[topic] || slices.ContainsFunc(h.wild, func(f string) bool { return sensors.MatchFilter(f, topic) })
}

// begin passes a message on. It was published now, so it is no retained one, whatever its RETAIN flag.
func (h *hook) begin(session string, pk packets.Packet, connection uint64) (store func(context.Context) error) {
	return h.o.Begin(sensor.Message{
		Broker: Name, Session: session, Topic: pk.TopicName, Payload: pk.Payload,
		QoS: pk.FixedHeader.Qos, Duplicate: pk.FixedHeader.Dup, PacketID: pk.PacketID, Received: h.o.Now(), Connection: connection,
	})
}

// sessionOf names a client's session: see [sensor.Message].
func sessionOf(cl *mochi.Client) string { return string(cl.Properties.Username) + "/" + cl.ID }

// quietHandler lets through the library's warnings without their attributes: it would log whole packets, payload included.
type quietHandler struct{ inner slog.Handler }

// Enabled implements [slog.Handler].
func (q quietHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.inner.Enabled(ctx, slog.LevelDebug)
}

// Handle implements [slog.Handler].
func (q quietHandler) Handle(ctx context.Context, r slog.Record) error {
	bare := slog.NewRecord(r.Time, slog.LevelDebug, "broker: "+r.Message, r.PC)
	return q.inner.Handle(ctx, bare)
}

// WithAttrs implements [slog.Handler].
func (q quietHandler) WithAttrs([]slog.Attr) slog.Handler { return q }

// WithGroup implements [slog.Handler].
func (q quietHandler) WithGroup(string) slog.Handler { return q }
