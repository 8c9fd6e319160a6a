package config

import (
	"slices"
	"strings"
)

// PlaceKind says what kind of place a device watches. The list is closed, so that a forbidden place cannot hide behind a new word.
type PlaceKind string

// Home is the one place in which a sensor sends hazards only, and no camera may be.
const Home PlaceKind = "home"

// allowedPlaces are kinds of place that a camera may watch, with their Chinese names, which are accepted as well.
var allowedPlaces = map[PlaceKind]string{
	"street": "街道", "square": "广场", "crossing": "路口", "gate": "大门", "entrance": "出入口", "lobby": "大厅",
	"corridor": "公共走廊", "stairwell": "楼梯间", "elevator": "电梯", "parking": "停车场", "yard": "院落", "park": "公园",
	"riverside": "河岸", "bridge": "桥梁", "market": "市场", "shop": "商铺", "school-gate": "校门", "station": "车站",
	"office": "办公区", "warehouse": "仓库", "plant-room": "设备间", "rooftop": "屋顶", "field": "田野",
}

// forbiddenPlaces may never hold a camera (Regulation on public-safety video image information systems, in force
// 2025-04-01, art. 8: places that expose the privacy of others).
var forbiddenPlaces = map[PlaceKind]string{
	"guest-room": "客房", "dormitory": "宿舍", "bath": "浴室", "toilet": "卫生间", "changing-room": "更衣室",
	"nursing-room": "哺乳室", "fitting-room": "试衣间",
}

// forbiddenWords catch the other names under which those places are written.
var forbiddenWords = []string{
	"guest room", "guestroom", "hotel room", "bedroom", "dorm", "bathroom", "bathhouse", "shower", "sauna", "restroom", "washroom",
	"lavatory", "wc", "locker room", "changing", "dressing room", "nursing", "lactation", "fitting",
	"客房", "包间", "宿舍", "寝室", "卧室", "浴室", "澡堂", "洗澡", "公共浴", "卫生间", "厕所", "洗手间", "更衣", "哺乳", "母婴", "试衣",
}

// Private says whether only hazards may leave a sensor that stands there.
func (k PlaceKind) Private() bool {
	_, forbidden := forbiddenPlaces[k]
	return k == Home || forbidden
}

// canonical returns the English name of a kind that was written in either language.
func canonical(k PlaceKind) PlaceKind {
	for _, names := range []map[PlaceKind]string{allowedPlaces, forbiddenPlaces, {Home: "住宅"}} {
		for en, zh := range names {
			if string(k) == zh {
				return en
			}
		}
	}
	return PlaceKind(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(string(k))), "_", "-"))
}

// forbidden says whether the law forbids a camera in such a place.
func forbidden(k PlaceKind) bool {
	if _, ok := forbiddenPlaces[k]; ok {
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

func placeNames() string {
	names := make([]string, 0, len(allowedPlaces))
	for k := range allowedPlaces {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
