// Package place names the kinds of place that a device may watch, and those in which no camera may be.
//
// In: the kind of place as a configuration or a report has it. Out: whether a camera may be there, and its one name. The list is closed, so
// that a forbidden place cannot hide behind a new word. It never says where a place is, nor who is there.
package place

import (
	"slices"
	"strings"
)

// Kind says what kind of place a device watches.
type Kind string

// Home is the one place in which a sensor sends hazards only, and no camera may be.
const Home Kind = "home"

// allowed are kinds of place that a camera may watch, with their Chinese names, which are accepted as well.
var allowed = map[Kind]string{
	"street": "街道", "square": "广场", "crossing": "路口", "gate": "大门", "entrance": "出入口", "lobby": "大厅",
	"corridor": "公共走廊", "stairwell": "楼梯间", "elevator": "电梯", "parking": "停车场", "yard": "院落", "park": "公园",
	"riverside": "河岸", "bridge": "桥梁", "market": "市场", "shop": "商铺", "school-gate": "校门", "station": "车站",
	"office": "办公区", "warehouse": "仓库", "plant-room": "设备间", "rooftop": "屋顶", "field": "田野",
}

// forbidden may never hold a camera (Regulation on public-safety video image information systems, in force
// 2025-04-01, art. 8: places that expose the privacy of others).
var forbidden = map[Kind]string{
	"guest-room": "客房", "dormitory": "宿舍", "bath": "浴室", "toilet": "卫生间", "changing-room": "更衣室",
	"nursing-room": "哺乳室", "fitting-room": "试衣间",
}

// forbiddenWords catch the other names under which those places are written.
var forbiddenWords = []string{
	"guest room", "guestroom", "hotel room", "bedroom", "dorm", "bathroom", "bathhouse", "shower", "sauna", "restroom", "washroom",
	"lavatory", "wc", "locker room", "changing", "dressing room", "nursing", "lactation", "fitting",
	"客房", "包间", "宿舍", "寝室", "卧室", "浴室", "澡堂", "洗澡", "公共浴", "卫生间", "厕所", "洗手间", "更衣", "哺乳", "母婴", "试衣",
}

// Known says whether a camera may be in a place of this kind.
func (k Kind) Known() bool {
	_, ok := allowed[k]
	return ok
}

// Private says whether only hazards may leave a sensor that stands there.
func (k Kind) Private() bool {
	_, is := forbidden[k]
	return k == Home || is
}

// Forbidden says whether the law forbids a camera in such a place.
func (k Kind) Forbidden() bool {
	if _, ok := forbidden[k]; ok {
		return true
	}
	spoken := strings.ReplaceAll(string(k), "-", " ")
	return slices.ContainsFunc(forbiddenWords, func(w string) bool {
		if w == "wc" {
			return spoken == w
		}
		return strings.Contains(spoken, w)
	})
}

// Canonical returns the English name of a kind that was written in either language.
func (k Kind) Canonical() Kind {
	for _, names := range []map[Kind]string{allowed, forbidden, {Home: "住宅"}} {
		for en, zh := range names {
			if string(k) == zh {
				return en
			}
		}
	}
	return Kind(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(string(k))), "_", "-"))
}

// Chinese is the Chinese name of a kind that a camera may watch; of any other the kind itself.
func (k Kind) Chinese() string {
	if zh, ok := allowed[k]; ok {
		return zh
	}
	return string(k)
}

// Names lists the kinds that a camera may watch, by name.
func Names() []string {
	names := make([]string, 0, len(allowed))
	for k := range allowed {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return names
}
