package gb28181

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func mustRead(t *testing.T, body string) Message {
	t.Helper()
	m, err := Read([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestACatalogue(t *testing.T) {
	const head = "<Response><CmdType>Catalog</CmdType><SN>3</SN><DeviceID>33010600001180000001</DeviceID><SumNum>9</SumNum><DeviceList Num=\"77\">"
	for name, tc := range map[string]struct {
		item string
		want Item
	}{
		"a camera": {
			"<DeviceID>33010600001320000001</DeviceID><Name>Qz</Name><Manufacturer>Maker</Manufacturer><Model>M-1 (v2)</Model><Owner>Qz</Owner><CivilCode>330106</CivilCode><Address>Qz</Address><Parental>0</Parental><ParentID>33010600001180000001</ParentID><Status>ON</Status>",
			Item{ID: "33010600001320000001", Parent: "33010600001180000001", Civil: "330106", Online: true, Maker: "Maker", Model: "M-1 (v2)"},
		},
		"parents joined":            {"<DeviceID>33010600001320000001</DeviceID><ParentID>330106/33010600002160000001</ParentID>", Item{ID: "33010600001320000001", Parent: "33010600002160000001"}},
		"free text where codes are": {"<DeviceID>33010600001320000001</DeviceID><Manufacturer>张三的</Manufacturer><Model>13800138000</Model><CivilCode>Qz</CivilCode><ParentID>Qz</ParentID><Status>OFF</Status>", Item{ID: "33010600001320000001"}},
		"a region":                  {"<DeviceID>330106</DeviceID>", Item{ID: "330106", Branch: true}},
		"a virtual organisation":    {"<DeviceID>33010600002160000001</DeviceID>", Item{ID: "33010600002160000001", Branch: true}},
		"an alarm input":            {"<DeviceID>33010600001340000001</DeviceID>", Item{ID: "33010600001340000001", Branch: true}},
		"a recorder with channels":  {"<DeviceID>33010600001180000002</DeviceID><Parental>1</Parental>", Item{ID: "33010600001180000002", Branch: true}},
		"18 digits":                 {"<DeviceID>330106000013200001</DeviceID><Status>Online</Status>", Item{ID: "330106000013200001", Online: true}},
		"gone":                      {"<DeviceID>33010600001320000001</DeviceID><Event>DEL</Event>", Item{ID: "33010600001320000001", Removed: true}},
		"lost its picture":          {"<DeviceID>33010600001320000001</DeviceID><Status>ON</Status><Event>VLOST</Event>", Item{ID: "33010600001320000001"}},
		"came":                      {"<DeviceID>33010600001320000001</DeviceID><Event>ON</Event>", Item{ID: "33010600001320000001", Online: true}},
	} {
		c := mustRead(t, head+"<Item>"+tc.item+"</Item></DeviceList></Response>").Catalog()
		if len(c.Items) != 1 || !reflect.DeepEqual(c.Items[0], tc.want) || c.Total != 9 || c.Invalid != 0 {
			t.Errorf("%s: %+v, want %+v", name, c, tc.want)
		}
	}
	c := mustRead(t, head+"<Item><Name>x</Name></Item><Item><DeviceID>abc</DeviceID></Item><Other/></DeviceList></Response>").Catalog()
	if len(c.Items) != 0 || c.Invalid != 2 {
		t.Errorf("%+v", c)
	}
	if c := mustRead(t, "<Response><CmdType>Catalog</CmdType><SumNum>-5</SumNum></Response>").Catalog(); c.Total != 0 || c.Items != nil {
		t.Errorf("%+v", c)
	}
}

func TestWhatADeviceSaysOfItself(t *testing.T) {
	info := mustRead(t, "<Response><CmdType>DeviceInfo</CmdType><DeviceName>Qz</DeviceName><Manufacturer>Maker</Manufacturer><Model>M 1</Model><Firmware>V1.2.3_b4</Firmware><Channel>16</Channel></Response>").Info()
	if info != (Info{Maker: "Maker", Model: "M 1", Firmware: "V1.2.3_b4", Channels: 16}) {
		t.Errorf("%+v", info)
	}
	status := mustRead(t, "<Response><CmdType>DeviceStatus</CmdType><Result>OK</Result><Online>ONLINE</Online><Status>OK</Status><DeviceTime>2026-03-01T08:00:05</DeviceTime><Record>OFF</Record></Response>")
	if s := status.Status(time.UTC); !s.Online || !s.OK || s.Recording || s.Clock.Hour() != 8 || !status.Result() {
		t.Errorf("%+v", s)
	}
}

func TestRecordings(t *testing.T) {
	item := "<Item><Name>Qz</Name><StartTime>2026-03-01T0%d:00:00</StartTime><EndTime>2026-03-01T0%d:00:00</EndTime></Item>"
	m := mustRead(t, "<Response><CmdType>RecordInfo</CmdType><SumNum>5</SumNum><RecordList Num=\"2\">"+fmt.Sprintf(item, 1, 2)+fmt.Sprintf(item, 3, 2)+strings.Repeat("<Item/>", 2)+"</RecordList></Response>")
	found, total := m.Recordings(time.UTC)
	if total != 5 || len(found) != 1 || found[0].End.Sub(found[0].Start) != time.Hour {
		t.Errorf("%+v of %d", found, total)
	}
}
