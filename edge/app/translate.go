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
	"gridgate/protocols/sensors/mapped"
	"gridgate/protocols/sensors/zigbee2mqtt"
)

// Dialects is the table of sensor dialects. A device that has a mapping file of its own replaces "mapped".
func Dialects() sensors.Registry {
	return sensors.Registry{
		zigbee2mqtt.Name: zigbee2mqtt.Dialect{},
		mapped.Name:      mapped.Default{},
	}
}

// TranslateOptions are the arguments of gridgate-edge translate.
type TranslateOptions struct {
	Dialect string   `help:"Dialect of the payloads." required:"" placeholder:"NAME"`
	Topic   string   `help:"Topic that they came on; else made from the dialect and the file's name." placeholder:"TOPIC"`
	Mapping string   `help:"Mapping file of the dialect mapped; else well-known names are read." placeholder:"FILE"`
	Files   []string `arg:"" help:"One message each; - is standard input."`
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
	for _, name := range o.Files {
		payload, err := readMessage(name, stdin)
		if err != nil {
			fmt.Fprintln(stderr, err)
			code = ExitFailed
			continue
		}
		t := dialect.Translate(o.topic(name), payload, false)
		if err := writeTranslation(stdout, t); err != nil {
			fmt.Fprintln(stderr, err)
			return ExitFailed
		}
		if t.Ignored != "" {
			fmt.Fprintf(stderr, "%s: ignored: %s\n", name, t.Ignored)
		}
	}
	return code
}

func (o TranslateOptions) dialect() (sensors.Dialect, error) {
	d, err := Dialects().Get(o.Dialect)
	switch {
	case err != nil:
		return nil, err
	case len(o.Files) == 0:
		return nil, errors.New("no file to translate (- is standard input)")
	case o.Mapping == "":
		return d, nil
	case o.Dialect != mapped.Name:
		return nil, fmt.Errorf("--mapping goes with --dialect %s only", mapped.Name)
	}
	return mapped.Load(o.Mapping)
}

func (o TranslateOptions) topic(file string) string {
	if o.Topic != "" {
		return o.Topic
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if file == "-" || name == "" {
		name = "device"
	}
	return o.Dialect + "/" + name
}

// readMessage reads one byte more than a dialect accepts, so that it says what is too large.
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
	payload, err := io.ReadAll(io.LimitReader(in, sensors.MaxPayload+1))
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
