package onvif_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gridgate/protocols/onvif"
)

func match(id, types, scopes, xaddrs string) string {
	return fmt.Sprintf(`<SOAP-ENV:Envelope xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>`+
		`<wsa:EndpointReference><wsa:Address>%s</wsa:Address></wsa:EndpointReference><d:Types>%s</d:Types><d:Scopes>%s</d:Scopes><d:XAddrs>%s</d:XAddrs>`+
		`<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`, id, types, scopes, xaddrs)
}

const transmitter = "dn:NetworkVideoTransmitter"

func TestReadMatches(t *testing.T) {
	const scopes = "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/C-100%20Pro onvif://www.onvif.org/name/Zhang%20San onvif://www.onvif.org/location/home"
	for name, c := range map[string]struct {
		from, types, xaddrs string
		want                []string
	}{
		"one": {"192.168.1.7", transmitter, "http://192.168.1.7/onvif/device_service", []string{"http://192.168.1.7/onvif/device_service"}},
		"link-local first": {"192.168.1.7", transmitter, "http://169.254.8.9/onvif/device_service http://192.168.1.7:8000/onvif/device_service", []string{
			"http://192.168.1.7/onvif/device_service", "http://192.168.1.7:8000/onvif/device_service", "http://169.254.8.9/onvif/device_service"}},
		"mixed":            {"192.168.1.7", transmitter, "https://192.168.1.7/a http://192.168.1.7/a", []string{"https://192.168.1.7/a", "http://192.168.1.7/a"}},
		"another net":      {"192.168.1.7", transmitter, "http://10.0.0.4:8899/onvif/device_service", []string{"http://192.168.1.7:8899/onvif/device_service", "http://10.0.0.4:8899/onvif/device_service"}},
		"none":             {"192.168.1.7", transmitter, "", []string{"http://192.168.1.7/onvif/device_service"}},
		"junk":             {"192.168.1.7", transmitter, "ftp://x :: http:// %zz", []string{"http://192.168.1.7/onvif/device_service"}},
		"IPv6 on the link": {"fe80::1%eth0", transmitter, "http://[fe80::1]/onvif/device_service", []string{"http://[fe80::1%25eth0]/onvif/device_service"}},
		"IPv6 and IPv4":    {"fe80::1%eth0", transmitter, "http://192.168.1.7/x http://[fe80::2]:81/x", []string{"http://[fe80::1%25eth0]/x", "http://[fe80::1%25eth0]:81/x", "http://192.168.1.7/x", "http://[fe80::2%25eth0]:81/x"}},
		"credentials":      {"192.168.1.7", transmitter, "http://admin:secret@192.168.1.7/x", []string{"http://192.168.1.7/x"}},
		"no types":         {"192.168.1.7", "", "http://192.168.1.7/onvif/device_service", []string{"http://192.168.1.7/onvif/device_service"}},
	} {
		found := onvif.ReadMatches([]byte(match("urn:uuid:1", c.types, scopes, c.xaddrs)), netip.MustParseAddr(c.from))
		if len(found) != 1 || !slices.Equal(found[0].Addresses, c.want) || found[0].Model != "C-100 Pro" {
			t.Errorf("%s: got %+v, want %q", name, found, c.want)
		}
	}
}

func TestWhatIsNoCamera(t *testing.T) {
	from := netip.MustParseAddr("192.168.1.7")
	for _, reply := range []string{"", "<a", "hello", match("urn:uuid:2", "wsdp:Device pub:Computer", "", "http://192.168.1.9:5357/x"), "<d:ProbeMatches/>"} {
		if found := onvif.ReadMatches([]byte(reply), from); len(found) != 0 {
			t.Errorf("%.40s: %+v", reply, found)
		}
	}
	hello := strings.NewReplacer("ProbeMatches", "x", "ProbeMatch", "Hello").Replace(match("urn:uuid:3", transmitter, "", ""))
	if found := onvif.ReadMatches([]byte(hello), from); len(found) != 1 {
		t.Errorf("a Hello: %+v", found)
	}
	many := strings.Repeat("http://10.0.0.1/a ", 500)
	for i := range 500 {
		many += fmt.Sprintf("http://10.0.1.1/%d ", i)
	}
	if found := onvif.ReadMatches([]byte(match("urn:uuid:4", transmitter, "", many)), from); len(found) != 1 || len(found[0].Addresses) > 8 {
		t.Errorf("many addresses: %+v", found)
	}
}

func FuzzReadMatches(f *testing.F) {
	f.Add([]byte(match("urn:uuid:1", transmitter, "onvif://www.onvif.org/hardware/X", "http://169.254.1.1/a http://[fe80::1]/b")), []byte{192, 168, 1, 7})
	f.Add([]byte("<Hello><Types>NetworkVideoTransmitter</Types></Hello>"), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, reply, ip []byte) {
		from, ok := netip.AddrFromSlice(ip)
		if !ok {
			return
		}
		for _, found := range onvif.ReadMatches(reply, from) {
			if len(found.Addresses) == 0 || len(found.Addresses) > 8 {
				t.Fatalf("%+v", found)
			}
			for _, a := range found.Addresses {
				if u, err := url.Parse(a); err != nil || u.User != nil || u.Hostname() == "" {
					t.Fatalf("%q: %v", a, err)
				}
			}
		}
	})
}
