package port

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Kind is the sort of a port.
type Kind uint8

// The kinds of port.
const (
	Serial Kind = 1 + iota // a tty: RS-232, RS-485, USB serial, pseudo terminal
	TCP                    // a socket: serial servers, readers with Ethernet
)

// Parity of a serial line.
type Parity byte

// The parities.
const (
	NoParity   Parity = 'N'
	OddParity  Parity = 'O'
	EvenParity Parity = 'E'
)

// Address says which port and how it is set up. It is comparable.
type Address struct {
	Kind   Kind
	Path   string // Serial: the device, e.g. "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"
	Baud   int    // Serial: bits per second
	Data   int    // Serial: data bits, 7 or 8
	Parity Parity // Serial
	Stop   int    // Serial: stop bits, 1 or 2
	Host   string // TCP: host:port
}

// Line is how a serial line is set up where an address does not say.
type Line struct {
	Baud   int
	Data   int
	Parity Parity
	Stop   int
}

// DefaultLine is 9600 baud 8N1.
var DefaultLine = Line{Baud: 9600, Data: 8, Parity: NoParity, Stop: 1}

// ParseAddress reads "serial:/dev/ttyUSB0?baud=115200&parity=N&data=8&stop=1" or "tcp:host:port". What a serial address
// leaves out comes from DefaultLine.
func ParseAddress(s string) (Address, error) { return ParseAddressFor(s, DefaultLine) }

// ParseAddressFor is ParseAddress with the defaults of a device model.
func ParseAddressFor(s string, line Line) (Address, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	switch {
	case ok && scheme == "serial":
		return parseSerial(s, rest, line)
	case ok && scheme == "tcp":
		return parseTCP(s, rest)
	}
	return Address{}, fmt.Errorf("address %q is no port: write serial:/dev/NAME?baud=9600 or tcp:HOST:PORT", s)
}

func parseTCP(s, rest string) (Address, error) {
	host, number, err := net.SplitHostPort(rest)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: write tcp:HOST:PORT", s)
	}
	n, err := strconv.Atoi(number)
	if host == "" || err != nil || n < 1 || n > 65535 {
		return Address{}, fmt.Errorf("address %q: write tcp:HOST:PORT with a port from 1 to 65535", s)
	}
	return Address{Kind: TCP, Host: rest}, nil
}

func parseSerial(s, rest string, line Line) (Address, error) {
	path, query, _ := strings.Cut(rest, "?")
	if path == "" || strings.ContainsRune(path, 0) {
		return Address{}, fmt.Errorf("address %q names no device: write serial:/dev/NAME", s)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %q cannot be read: write baud=9600&parity=N&data=8&stop=1", s, query)
	}
	a := Address{Kind: Serial, Path: path, Baud: line.Baud, Data: line.Data, Parity: line.Parity, Stop: line.Stop}
	for key, list := range values {
		if len(list) != 1 {
			return Address{}, fmt.Errorf("address %q: %s is given %d times", s, key, len(list))
		}
		if err := a.set(key, list[0]); err != nil {
			return Address{}, fmt.Errorf("address %q: %w", s, err)
		}
	}
	return a, nil
}

func (a *Address) set(key, value string) error {
	number := func(to *int, what string, possible func(int) bool, say string) error {
		n, err := strconv.Atoi(value)
		if err != nil || !possible(n) {
			return fmt.Errorf("%s %q is not possible: use %s", what, value, say)
		}
		*to = n
		return nil
	}
	switch key {
	case "baud":
		return number(&a.Baud, "baud", func(n int) bool { return n >= 300 && n <= 4_000_000 }, "300 to 4000000")
	case "data":
		return number(&a.Data, "data", func(n int) bool { return n == 7 || n == 8 }, "7 or 8")
	case "stop":
		return number(&a.Stop, "stop", func(n int) bool { return n == 1 || n == 2 }, "1 or 2")
	case "parity":
		if !slices.Contains([]string{"N", "O", "E"}, value) {
			return fmt.Errorf("parity %q is not possible: use N, O or E", value)
		}
		a.Parity = Parity(value[0])
		return nil
	}
	return fmt.Errorf("%q is not known: use baud, parity, data or stop", key)
}

// String writes the address as ParseAddress reads it.
func (a Address) String() string {
	if a.Kind == TCP {
		return "tcp:" + a.Host
	}
	return fmt.Sprintf("serial:%s?baud=%d&parity=%c&data=%d&stop=%d", a.Path, a.Baud, a.Parity, a.Data, a.Stop)
}

// Where names the port for a person: the device's path or host:port.
func (a Address) Where() string {
	if a.Kind == TCP {
		return a.Host
	}
	return a.Path
}

// CharBits tells how many bits a character takes on the line: 10 for 8N1. A TCP port counts as 8N1.
func (a Address) CharBits() int {
	if a.Kind == TCP {
		return 10
	}
	bits := 1 + a.Data + a.Stop
	if a.Parity != NoParity {
		bits++
	}
	return bits
}
