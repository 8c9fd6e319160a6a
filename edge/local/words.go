package local

import "gridgate/protocols/alert"

// Language is that of names.
type Language string

// The languages.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Languages are all of them, the default first.
var Languages = []Language{Chinese, English}

// Kind is what a kind is called.
func (l Language) Kind(k alert.Kind) string { return l.word(kindWords[k], string(k)) }

// Severity is what a severity is called.
func (l Language) Severity(s alert.Severity) string { return l.word(severityWords[s], string(s)) }

// Lane is what a lane is called.
func (l Language) Lane(lane alert.Lane) string { return l.word(laneWords[lane], string(lane)) }

func (l Language) word(pair [2]string, otherwise string) string {
	word := pair[0]
	if l == English {
		word = pair[1]
	}
	if word == "" {
		return otherwise
	}
	return word
}

var kindWords = map[alert.Kind][2]string{
	alert.Motion:        {"画面移动", "Motion"},
	alert.Presence:      {"有人出现", "Presence"},
	alert.Tripwire:      {"越线", "Line crossed"},
	alert.Intrusion:     {"区域闯入", "Intrusion"},
	alert.LeftObject:    {"遗留物品", "Object left behind"},
	alert.Smoke:         {"烟雾", "Smoke"},
	alert.Fire:          {"火情", "Fire"},
	alert.Gas:           {"燃气泄漏", "Gas"},
	alert.CO:            {"一氧化碳", "Carbon monoxide"},
	alert.Heat:          {"异常高温", "Heat"},
	alert.WaterLevel:    {"水位超限", "Water level"},
	alert.Flood:         {"积水内涝", "Flood"},
	alert.Leak:          {"漏水", "Leak"},
	alert.SOS:           {"紧急求助", "Call for help"},
	alert.Door:          {"门窗开启", "Door"},
	alert.Vibration:     {"振动", "Vibration"},
	alert.Temperature:   {"温度异常", "Temperature"},
	alert.Humidity:      {"湿度异常", "Humidity"},
	alert.Power:         {"供电异常", "Power"},
	alert.LowBattery:    {"电量不足", "Low battery"},
	alert.Tamper:        {"设备被动过", "Tamper"},
	alert.Covered:       {"镜头被遮挡", "Covered"},
	alert.Defocused:     {"画面模糊", "Defocused"},
	alert.Turned:        {"镜头被转动", "Turned"},
	alert.Frozen:        {"画面冻结", "Frozen"},
	alert.Black:         {"画面全黑", "Black"},
	alert.VideoLoss:     {"视频丢失", "Video loss"},
	alert.StorageFault:  {"存储故障", "Storage fault"},
	alert.DeviceOffline: {"设备离线", "Device offline"},
	alert.DeviceFault:   {"设备故障", "Device fault"},
	alert.Other:         {"其他", "Other"},
}

var severityWords = map[alert.Severity][2]string{
	alert.Info: {"提示", "info"}, alert.Minor: {"一般", "minor"}, alert.Major: {"重要", "major"}, alert.Critical: {"紧急", "critical"},
}

var laneWords = map[alert.Lane][2]string{
	alert.LifeSafety: {"生命安全", "life-safety"}, alert.Normal: {"普通", "normal"}, alert.Bulk: {"设备", "bulk"},
}
