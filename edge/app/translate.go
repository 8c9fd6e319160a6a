package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/aliyun"
	"gridgate/protocols/sensors/auto"
	"gridgate/protocols/sensors/huawei"
	"gridgate/protocols/sensors/mapped"
	"gridgate/protocols/sensors/onenet"
	"gridgate/protocols/sensors/shelly"
	"gridgate/protocols/sensors/sparkplug"
	"gridgate/protocols/sensors/tasmota"
	"gridgate/protocols/vendor"
)

// TranslateOptions are the arguments of gridgate-edge translate.
type TranslateOptions struct {
	Dialect string   `help:"Dialect of the payloads; auto recognises that of each." required:"" placeholder:"NAME"`
	Topic   []string `help:"Topic that they came on, one for all or one for each file in their order; else made from the dialect and the file's name." sep:"none" placeholder:"TOPIC"`
	Mapping string   `help:"Mapping file of the dialect mapped; else well-known names are read." placeholder:"FILE"`
	Files   []string `arg:"" help:"One message each; - is standard input. All are one conversation, in their order: a birth explains what comes after it."`
}

// Translate shows what messages mean: one file is one message is one JSON line on stdout; reasons go to stderr. It returns
// 0 if every file was understood or honestly ignored, 1 if one could not be read, 2 for a wrong request.
func Translate(o TranslateOptions, stdin io.Reader, stdout, stderr io.Writer) int {
	dialect, err := o.dialect()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return ExitUsage
	}
	code := ExitOK
	for i, name := range o.Files {
		payload, err := readMessage(name, stdin)
		if err != nil {
			fmt.Fprintln(stderr, err)
			code = ExitFailed
			continue
		}
		t := dialect.Translate(o.topic(i), payload, false)
		if err := writeTranslation(stdout, t); err != nil {
			fmt.Fprintln(stderr, err)
			return ExitFailed
		}
		explain(stderr, name, dialect, t)
		if t.Ignored != "" && len(o.Topic) == 0 {
			fmt.Fprintf(stderr, "%s: the topic %s was made up: the real one, as --topic, may say more\n", name, o.topic(i))
		}
	}
	return code
}

// explain says on stderr what the line on stdout does not.
func explain(stderr io.Writer, file string, d sensors.Dialect, t observation.Translation) {
	if s, ok := d.(*auto.Session); ok && s.Last().Dialect != "" {
		fmt.Fprintf(stderr, "%s: %s: %s\n", file, s.Last().Dialect, s.Last().Because)
	}
	if t.Ignored != "" {
		fmt.Fprintf(stderr, "%s: ignored: %s\n", file, t.Ignored)
	}
	if s, ok := d.(sensors.Session); ok {
		for _, ask := range s.Asks() {
			fmt.Fprintf(stderr, "%s: an edge would ask the source on %s to describe itself\n", file, ask.Topic)
		}
	}
}

// dialect is what translates all files: a session where messages are understood by earlier ones.
func (o TranslateOptions) dialect() (sensors.Dialect, error) {
	d, err := translators().Get(o.Dialect)
	switch {
	case err != nil:
		return nil, err
	case len(o.Files) == 0:
		return nil, errors.New("no file to translate (- is standard input)")
	case len(o.Topic) > 1 && len(o.Topic) != len(o.Files):
		return nil, fmt.Errorf("%d topics for %d files: give one for all, or one for each", len(o.Topic), len(o.Files))
	case o.Mapping != "" && o.Dialect != mapped.Name:
		return nil, fmt.Errorf("--mapping goes with --dialect %s only", mapped.Name)
	case o.Mapping != "":
		return mapped.Load(o.Mapping)
	}
	if l, ok := d.(sensors.Learner); ok {
		return l.Session(), nil
	}
	return d, nil
}

func (o TranslateOptions) topic(i int) string {
	switch len(o.Topic) {
	case 0:
	case 1:
		return o.Topic[0]
	default:
		return o.Topic[i]
	}
	file := o.Files[i]
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if file == "-" || name == "" {
		name = "device"
	}
	if usual, ok := usualTopics[o.Dialect]; ok {
		return fmt.Sprintf(usual, name)
	}
	return o.Dialect + "/" + name
}

// usualTopics are where a report of a device would come, of dialects whose topic says what a message is.
var usualTopics = map[string]string{
	aliyun.Name: "/sys/product/%s/thing/event/property/post", huawei.Name: "$oc/devices/%s/sys/properties/report",
	onenet.Name: "$sys/product/%s/thing/property/post", shelly.Name: "%s/events/rpc", sparkplug.Name: "spBv1.0/group/DDATA/node/%s",
	tasmota.Name: "tele/%s/SENSOR",
}

// readMessage reads one byte more than any dialect accepts, so that it says what is too large.
func readMessage(file string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		defer f.Close()
		in = f
	}
	payload, err := io.ReadAll(io.LimitReader(in, vendor.MaxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("read message %s: %w", file, err)
	}
	return payload, nil
}

func writeTranslation(w io.Writer, t observation.Translation) error {
	line, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("write translation: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
