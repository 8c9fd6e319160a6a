package onvif

import (
	"fmt"
	"net/http"
	"strings"
)

// describe answers what is asked about the camera and its streams.
func (d *Device) describe(w http.ResponseWriter, r *http.Request, op, body string) {
	second := r.URL.Path == "/onvif/media2"
	switch {
	case op == "GetDeviceInformation":
		d.reply(w, `<tds:GetDeviceInformationResponse><tds:Manufacturer>Acme</tds:Manufacturer><tds:Model>C-1</tds:Model>`+
			`<tds:SerialNumber>SN-4711</tds:SerialNumber></tds:GetDeviceInformationResponse>`)
	case second != d.q.Media2:
		d.fault(w, http.StatusBadRequest, "ter:ActionNotSupported")
	case op == "GetProfiles":
		d.reply(w, `<trt:GetProfilesResponse>`+profile("sub", 640, 360, second)+profile("main", 1920, 1080, second)+profile("tiny", 176, 144, second)+`</trt:GetProfilesResponse>`)
	case op == "GetStreamUri":
		d.reply(w, `<trt:GetStreamUriResponse>`+uri(strings.Replace(d.at(d.q.ForeignHost, "/live/"+between(body, "ProfileToken")), "http://", "rtsp://user:pass@", 1), second)+`</trt:GetStreamUriResponse>`)
	case op == "GetSnapshotUri":
		d.reply(w, `<trt:GetSnapshotUriResponse>`+uri(d.at(d.q.ForeignHost, "/snap.jpg?pwd=abc"), second)+`</trt:GetSnapshotUriResponse>`)
	default:
		d.fault(w, http.StatusInternalServerError, "ter:ActionNotSupported")
	}
}

func uri(s string, second bool) string {
	if second {
		return `<tr2:Uri>` + s + `</tr2:Uri>`
	}
	return `<trt:MediaUri><tt:Uri>` + s + `</tt:Uri></trt:MediaUri>`
}

// profile writes a profile of Media1 or Media2, which nests it otherwise and knows H.265.
func profile(name string, width, height int, second bool) string {
	size := fmt.Sprintf(`<tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution>`, width, height)
	source := `<tt:SourceToken>vs0</tt:SourceToken>`
	if second {
		return `<tr2:Profiles token="` + name + `"><tr2:Name>Zhang San</tr2:Name><tr2:Configurations><tr2:VideoSource token="vsc">` + source +
			`</tr2:VideoSource><tr2:VideoEncoder token="e"><tt:Encoding>H265</tt:Encoding>` + size + `</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>`
	}
	return `<trt:Profiles token="` + name + `"><tt:Name>Zhang San</tt:Name><tt:VideoSourceConfiguration token="vsc">` + source +
		`</tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="e"><tt:Encoding>H264</tt:Encoding>` + size + `</tt:VideoEncoderConfiguration></trt:Profiles>`
}
