package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/tallydock/tallydock/devices/epc"
)

// epcCommand says in all forms what identities name: edge epc [--company-prefix N] [--filter N] [--host H] TEXT... . A text
// is EPC memory in hexadecimal digits, a URI, a GS1 Digital Link or an element string; - stands for the lines of in. Each
// gives one line of JSON. It goes on after a text that it cannot read, and then fails.
func epcCommand(args []string, in io.Reader, out, diag io.Writer) int {
	flags := flag.NewFlagSet("edge epc", flag.ContinueOnError)
	flags.SetOutput(diag)
	var o epc.Options
	flags.IntVar(&o.PrefixLen, "company-prefix", 0, "how many `digits` the company prefix has, 6 to 12, where the text does not tell; without it such a text gets the + coding")
	filter := flags.Uint("filter", 0, "`filter` value of a tag that is made, 0 to 7")
	flags.StringVar(&o.Host, "host", "", "`host` of the company's own Digital Links; a tag that is made then gets the ++ coding")
	texts, code := parseMixed(flags, args)
	switch {
	case code >= 0:
		return code
	case len(texts) == 0:
		fmt.Fprintln(diag, "edge epc: say what: edge epc HEX|URI|LINK..., or edge epc - to read lines")
		return exitUsage
	case *filter > 63:
		fmt.Fprintf(diag, "edge epc: --filter %d is not 0 to 7; only USDOD (15) and ADI (63) have more\n", *filter)
		return exitUsage
	case o.PrefixLen != 0 && (o.PrefixLen < 6 || o.PrefixLen > 12):
		fmt.Fprintf(diag, "edge epc: --company-prefix %d is not 6 to 12 digits\n", o.PrefixLen)
		return exitUsage
	}
	o.Filter = uint8(*filter)
	d := describer{o: o, out: json.NewEncoder(out), diag: diag}
	d.out.SetEscapeHTML(false)
	for _, text := range texts {
		if text == "-" {
			d.lines(in)
		} else {
			d.text(text)
		}
	}
	if d.failed {
		return exitFailed
	}
	return exitOK
}

// describer describes texts one after the other.
type describer struct {
	o      epc.Options
	out    *json.Encoder
	diag   io.Writer
	failed bool
}

func (d *describer) text(text string) {
	description, err := d.o.Describe(text)
	if err == nil {
		if description.Reason != "" {
			fmt.Fprintf(d.diag, "edge epc: kept raw: %s\n", description.Reason)
		}
		err = d.out.Encode(description)
	}
	d.fail(err)
}

// lines describes each line that is not blank.
func (d *describer) lines(in io.Reader) {
	s := bufio.NewScanner(in)
	for s.Scan() {
		if text := s.Text(); strings.TrimSpace(text) != "" {
			d.text(text)
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		d.fail(errors.New("a line is longer than 64 KiB; nothing that names a thing is"))
		return
	}
	d.fail(s.Err())
}

func (d *describer) fail(err error) {
	if err != nil {
		fmt.Fprintf(d.diag, "edge epc: %v\n", err)
		d.failed = true
	}
}
