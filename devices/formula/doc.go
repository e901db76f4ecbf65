// Package formula evaluates short expressions over what a device publishes as JSON, so that a new model is data:
//
//	t / 10                         sensors[0]["probe 1"].temp
//	f2c(temperature_f)             battery.mv / 1000
//	door == "open"                 raw > 32767 ? raw - 65536 : raw
//	ext.temp ?? temp               number(text) + offset
//
// A name is a member of the message's object; $root is the whole message where the formula is applied to an element of it; value
// is a message that is no object. Functions: abs, ceil, floor, round, min, max, len, lower, upper, trim, split, number (of a
// text), f2c, topic (a level of the message's topic, from 0), hex (a text of hexadecimal digits as a number).
//
// A formula of which nothing is in the message says nothing, and one of which only null is there says that there is no value:
// neither is an error, because devices send messages of several kinds and leave members out.
//
// The language is that of github.com/expr-lang/expr, without its loops and ranges; a formula has at most 1000 bytes. So the work
// of one evaluation is bounded by the formula and the message.
package formula
