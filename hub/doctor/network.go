package doctor

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// dialWithin is how long a program on this machine may take to answer.
const dialWithin = 3 * time.Second

// Port looks at an address that the hub listens on: free where the hub does not run, answering where it does.
func Port(name, address string, runs bool) Check {
	return Check{name, func(ctx context.Context) []Finding {
		if _, port, err := net.SplitHostPort(address); err == nil && port == "0" {
			return []Finding{skipped("%s takes any free port", address)}
		}
		if runs {
			return []Finding{answers(ctx, address)}
		}
		l, err := net.Listen("tcp", address)
		switch {
		case err == nil:
			l.Close()
			return []Finding{ok("%s is free", address)}
		case errors.Is(err, syscall.EADDRINUSE):
			return []Finding{problem("find it by ss -ltnp, and stop it or name another port", "%s is taken by another program", address)}
		case errors.Is(err, syscall.EACCES):
			return []Finding{problem("use a port above 1023", "this user may not listen on %s", address)}
		}
		return []Finding{problem("name an address that this machine has", "cannot listen on %s: %v", address, err)}
	}}
}

func answers(ctx context.Context, address string) Finding {
	d := net.Dialer{Timeout: dialWithin}
	conn, err := d.DialContext(ctx, "tcp", reachable(address))
	if err != nil {
		return problem("look into the hub's log", "a hub works on this data folder and does not answer on %s: %v", address, err)
	}
	conn.Close()
	return ok("the hub that runs answers on %s", address)
}

// reachable is where a listener can be reached from its own machine.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

// Broker tries to sign in at the broker as the hub does.
func Broker(address string, try func(context.Context) error) Check {
	return Check{"broker", func(ctx context.Context) []Finding {
		if try == nil {
			return []Finding{skipped("the hub's own broker runs when the hub does")}
		}
		if err := try(ctx); err != nil {
			return []Finding{problem("see that the broker runs, that its address is right, and that it knows the hub's user and password",
				"cannot sign in at %s: %v", address, err)}
		}
		return []Finding{ok("the hub's user may sign in at %s", address)}
	}}
}
