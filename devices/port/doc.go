// Package port opens byte ports: serial lines and TCP connections, behind one Port whose rules are the same for both.
//
// The rules, each of them there because a gateway died or lied without it:
//
//   - A Read that waited its timeout in vain answers (0, nil), so loops are the caller's own; bufio.Scanner and
//     io.ReadFull must not be used on a Port.
//   - A port is used by one owner goroutine. Close may come from another one.
//   - After Close nothing is written or read any more: the file is closed only once no Read and no Write is inside the
//     operating system, because the number of a closed file may already belong to another one.
//   - A Write that the line does not take within WriteTimeout closes the port and is given up.
//   - A serial device is locked, so a second program or a second driver gets ErrBusy instead of half of the bytes.
//   - The serial library waits by select(2), which knows file numbers below 1024 only; an Opener keeps low numbers free.
//   - A device that goes away is ErrUnplugged; opening again works once it is back.
//
// Record and Playback keep a session with a device as text, so that a capture of today is a test of tomorrow.
package port
