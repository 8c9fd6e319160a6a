package discover

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// vendor is what is known of a manufacturer's devices.
type vendor struct {
	name     string
	events   string                               // protocol of its events, if we speak it; else by ONVIF
	paths    func(channel int) (main, sub string) // of its streams, by its documentation; nil: not known
	words    []string                             // lower-case; one of them in what a device says means the manufacturer
	realms   []*regexp.Regexp                     // forms of what it asks for an account with
	hardware *regexp.Regexp                       // form of its models
}

// vendors are the manufacturers whose names may be told. What a device calls itself is compared with them and not repeated.
var vendors = []vendor{
	{
		name: "Hikvision", events: Hikvision, words: []string{"hikvision", "app-webs", "dnvrs-webs", "hikvision-webs"},
		realms:   []*regexp.Regexp{regexp.MustCompile(`^IP Camera\([0-9A-Za-z]+\)$`), regexp.MustCompile(`^(iDS|DS)-[0-9A-Z]`), regexp.MustCompile(`^(Embedded Net DVR|DVRNVRDVS)$`)},
		hardware: regexp.MustCompile(`^(iDS|DS)-[0-9][0-9A-Z]{2,14}(-[0-9A-Z]{1,8})*(/[0-9A-Z]{1,8})*(\([0-9A-Z.]{1,6}\))?$`),
		paths: func(n int) (string, string) {
			return pathf("/Streaming/Channels/%d01", n), pathf("/Streaming/Channels/%d02", n)
		},
	},
	{
		name: "Dahua", events: Dahua, words: []string{"dahua", "dahuahttp"}, realms: []*regexp.Regexp{regexp.MustCompile(`^Login to [0-9A-Za-z]+$`)},
		hardware: regexp.MustCompile(`^(DH|DHI|IPC|NVR|XVR|SD|HAC)-?[0-9A-Z]{2,16}(-[0-9A-Z]{1,8})*$`),
		paths: func(n int) (string, string) {
			return pathf("/cam/realmonitor?channel=%d&subtype=0", n), pathf("/cam/realmonitor?channel=%d&subtype=1", n)
		},
	},
	{
		name: "Uniview", words: []string{"uniview", "unv"},
		hardware: regexp.MustCompile(`^(IPC|NVR)[0-9][0-9A-Z]{2,12}(-[0-9A-Z]{1,12})*$`),
	},
	{
		name: "Axis", words: []string{"axis"}, realms: []*regexp.Regexp{regexp.MustCompile(`^AXIS_[0-9A-Fa-f]{12}$`)}, hardware: regexp.MustCompile(`^(AXIS )?[A-Z][0-9]{4}(-[0-9A-Z]{1,4}){0,3}$`),
		paths: func(int) (string, string) { return "/axis-media/media.amp", "/axis-media/media.amp?resolution=640x480" },
	},
	{name: "Reolink", words: []string{"reolink"}, paths: func(n int) (string, string) {
		return pathf("/h264Preview_%02d_main", n), pathf("/h264Preview_%02d_sub", n)
	}},
	{name: "TP-Link", words: []string{"tp-link", "tapo"}, paths: func(int) (string, string) { return "/stream1", "/stream2" }},
	{name: "Tiandy", words: []string{"tiandy"}},
	{name: "Bosch", words: []string{"bosch"}},
	{name: "Hanwha", words: []string{"hanwha", "samsung techwin"}},
	{name: "Vivotek", words: []string{"vivotek"}},
	{name: "Amcrest", words: []string{"amcrest"}, events: Dahua},
	{name: "Ezviz", words: []string{"ezviz"}},
	{name: "Xiongmai", words: []string{"xiongmai", "xmeye"}},
	{name: "Panasonic", words: []string{"panasonic", "i-pro"}},
	{name: "Sony", words: []string{"sony"}},
	{name: "Foscam", words: []string{"foscam"}},
	{name: "Mobotix", words: []string{"mobotix"}},
	{name: "Milesight", words: []string{"milesight"}},
	{name: "D-Link", words: []string{"d-link"}},
	{name: "Ubiquiti", words: []string{"ubiquiti"}},
	{name: "Annke", words: []string{"annke"}},
	{name: "Lorex", words: []string{"lorex"}},
	{name: "Pelco", words: []string{"pelco"}},
	{name: "Avigilon", words: []string{"avigilon"}},
	{name: "GeoVision", words: []string{"geovision"}},
	{name: "Honeywell", words: []string{"honeywell"}},
	{name: "Kedacom", words: []string{"kedacom"}},
	{name: "Sunell", words: []string{"sunell"}},
	{name: "TVT", words: []string{"tvt"}},
	{name: "Jovision", words: []string{"jovision"}},
	{name: "Imou", words: []string{"imou"}},
	{name: "Infinova", words: []string{"infinova"}},
	{name: "Grandstream", words: []string{"grandstream"}},
	{name: "Huawei", words: []string{"huawei", "holowits"}},
}

// named looks for a manufacturer in a text.
func (f *Found) named(text string) {
	if f.vendor.name != "" {
		return
	}
	text = strings.ToLower(text)
	for _, v := range vendors {
		for _, w := range v.words {
			if hasWord(text, w) {
				f.is(v)
				return
			}
		}
	}
}

// hasWord says whether a word stands in a text, not as a part of another.
func hasWord(text, word string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		before, after := text[:at+i], text[at+i+len(word):]
		if !letterBeside(before, true) && !letterBeside(after, false) {
			return true
		}
		at += i + 1
	}
}

func letterBeside(text string, last bool) bool {
	if text == "" {
		return false
	}
	r, _ := utf8.DecodeRuneInString(text)
	if last {
		r, _ = utf8.DecodeLastRuneInString(text)
	}
	return unicode.IsLetter(r)
}

// told takes the manufacturer that a device states: another than a guess from its name wins.
func (f *Found) told(text string) {
	before := f.vendor
	f.vendor = vendor{}
	if f.named(text); f.vendor.name == "" {
		f.vendor = before
	}
}

func (f *Found) is(v vendor) {
	f.vendor, f.Manufacturer = v, v.name
}

// realm looks for a manufacturer in what a device asks for an account with. Such a text often holds a serial number; nothing of it is
// told but a model that has the form of the manufacturer's models.
func (f *Found) realm(text string) {
	for _, v := range vendors {
		for _, form := range v.realms {
			if form.MatchString(text) {
				if f.vendor.name == "" {
					f.is(v)
				}
				f.model(text)
				return
			}
		}
	}
	f.named(text)
}

// model takes a model that has the form of the manufacturer's models; of other manufacturers, one that looks like a model and like
// nothing else: letters and digits in a few groups, no word alone, no run of digits or letters as serial numbers have them.
func (f *Found) model(text string) {
	text = strings.TrimSpace(text)
	if f.Model != "" || len(text) > 40 || serial(text) {
		return
	}
	if form := f.vendor.hardware; form != nil {
		if form.MatchString(text) {
			f.Model = text
		}
		return
	}
	if anyModel.MatchString(text) && mixed.MatchString(text) {
		f.Model = text
	}
}

var (
	anyModel = regexp.MustCompile(`^[0-9A-Za-z]{1,12}([-_/][0-9A-Za-z]{1,12}){0,3}$`)
	mixed    = regexp.MustCompile(`[A-Z]-?[0-9]|[0-9]-?[A-Z]`)
)

// serial says whether a text has a run as serial numbers and hardware addresses have it: six digits, or letters and digits mixed for
// long.
func serial(text string) bool {
	return serialRun.MatchString(text) || hardwareAddress.MatchString(text)
}

var (
	serialRun       = regexp.MustCompile(`[0-9]{6}|[0-9A-Za-z]{17}`)
	hardwareAddress = regexp.MustCompile(`(?i)(^|[^0-9a-z])([0-9a-f]{2}[:-]?){5}[0-9a-f]{2}($|[^0-9a-z])`)
)
