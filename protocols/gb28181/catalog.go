package gb28181

import (
	"strconv"
	"strings"
	"time"
)

// Item is a channel or a branch of a catalogue. Its name, owner and address are not read: people write into them who is filmed.
type Item struct {
	ID     string
	Parent string // ParentID; empty: the device
	Civil  string // CivilCode, 2 to 8 digits of the region; empty: none
	// Branch: it has channels below it and no picture of its own.
	Branch bool
	Online bool
	// Removed: a notification says that it is not there any more.
	Removed bool
	Maker   string // harmless text; empty if it was not
	Model   string
}

// Catalog is one message of a catalogue. Its Num is not read: it may lie.
type Catalog struct {
	Total   int // SumNum: how many items the whole catalogue has
	Items   []Item
	Invalid int // items without an identifier
}

// maxTotal bounds what a device may announce.
const maxTotal = 1_000_000

// Catalog reads the items of a catalogue.
func (m Message) Catalog() Catalog {
	c := Catalog{}
	if n, err := strconv.Atoi(m.root.value("sumnum")); err == nil {
		c.Total = min(max(n, 0), maxTotal)
	}
	list := m.root.child("devicelist")
	if list == nil {
		return c
	}
	for _, e := range list.children {
		if e.name != "item" {
			continue
		}
		if item, ok := readItem(e); ok {
			c.Items = append(c.Items, item)
		} else {
			c.Invalid++
		}
	}
	return c
}

func readItem(e *element) (Item, bool) {
	id := e.value("deviceid")
	item := Item{
		ID: ID(id), Parent: parentOf(e.value("parentid")), Civil: digits(e.value("civilcode"), 8), Branch: e.value("parental") == "1",
		Online: online(e.value("status")), Maker: harmless(e.value("manufacturer")), Model: harmless(e.value("model")),
	}
	switch strings.ToUpper(e.value("event")) {
	case "DEL":
		item.Removed = true
	case "OFF", "VLOST", "DEFECT":
		item.Online = false
	case "ON", "ADD":
		item.Online = true
	}
	if item.ID == "" && len(id) >= 2 && len(id) <= 8 && digits(id, 8) != "" {
		item.ID, item.Branch = id, true // a region, 2 to 8 digits
	}
	if len(item.ID) == 20 && !channelType(item.ID[10:13]) {
		item.Branch = true
	}
	return item, item.ID != ""
}

// channelType says whether the type code of an identifier (annex D) is that of something with a picture: 131 camera, 132 network camera.
// Codes 118 and 111 are recorders, which some cameras use for their only channel; 1xx else may be cameras of old firmware.
func channelType(code string) bool {
	switch code {
	case "215", "216", "200", "134", "135", "137", "138", "133", "136":
		return false // group, virtual organisation, centre, alarm input and output, sound in and out, and others without a picture
	}
	return true
}

// parentOf is the last of the identifiers that a parent may be written as, joined by slashes.
func parentOf(s string) string {
	s = s[strings.LastIndexByte(s, '/')+1:]
	if id := ID(s); id != "" {
		return id
	}
	return digits(s, 8)
}

func online(s string) bool {
	switch strings.ToUpper(s) {
	case "ON", "OK", "ONLINE", "1":
		return true
	}
	return false
}

// harmless lets the name of a maker or a model through: short, of letters, digits and few signs, and not a number alone.
func harmless(s string) string {
	if len(s) > 40 || strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-_./() ") != "" || strings.Trim(s, "0123456789- ") == "" {
		return ""
	}
	return strings.TrimSpace(s)
}

// Info is what a device says of itself.
type Info struct {
	Maker, Model, Firmware string // harmless text; empty if it was not
	Channels               int    // that it says it has
}

// Info reads the answer to a question for DeviceInfo.
func (m Message) Info() Info {
	n, _ := strconv.Atoi(m.root.value("channel"))
	return Info{
		Maker: harmless(m.root.value("manufacturer")), Model: harmless(m.root.value("model")), Firmware: harmless(m.root.value("firmware")),
		Channels: min(max(n, 0), maxTotal),
	}
}

// Status is how a device or channel says it is.
type Status struct {
	Online, OK, Recording bool
	Clock                 time.Time // the device's own, zero where it told none
}

// Status reads the answer to a question for DeviceStatus. zone is that of the device's clock.
func (m Message) Status(zone *time.Location) Status {
	return Status{
		Online: online(m.root.value("online")), OK: online(m.root.value("status")), Recording: online(m.root.value("record")),
		Clock: moment(m.root.value("devicetime"), zone),
	}
}

// Recording is a stretch of time of which a device has a recording.
type Recording struct{ Start, End time.Time }

// Recordings reads an answer to a question for RecordInfo, and how many the whole answer has.
func (m Message) Recordings(zone *time.Location) (found []Recording, total int) {
	total, _ = strconv.Atoi(m.root.value("sumnum"))
	list := m.root.child("recordlist")
	if list == nil {
		return nil, min(max(total, 0), maxTotal)
	}
	for _, e := range list.children {
		r := Recording{moment(e.value("starttime"), zone), moment(e.value("endtime"), zone)}
		if e.name == "item" && !r.Start.IsZero() && r.End.After(r.Start) {
			found = append(found, r)
		}
	}
	return found, min(max(total, 0), maxTotal)
}

// Over says whether m tells that the recording which is sent has ended (MediaStatus, NotifyType 121).
func (m Message) Over() bool {
	return strings.EqualFold(m.Command, "MediaStatus") && m.root.value("notifytype") == "121"
}

// Result says whether an answer is a consent.
func (m Message) Result() bool { return online(m.root.value("result")) }
