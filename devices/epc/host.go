package epc

import (
	"fmt"
	"strings"
)

// longestHost is the most that the length of a host tells (TDS 2.3 §14.5.16).
const longestHost = 63

// A host is written in URN Code 40, or in units of 7 bits: a character, one of shortNames, or two units for one of
// longNames. Hosts are in lower case here, as they are the same in both.

// shortNames are beginnings and ends of hosts that take one unit (table 14-11).
var shortNames = map[uint64]string{
	30: "qr.", 31: "www.", 32: "id.", 91: ".com", 92: ".org", 93: ".net", 94: ".int", 96: ".edu", 123: ".gov", 124: ".mil",
	125: ".biz", 126: ".eco", 127: ".med",
}

// longNames are ends of hosts that take two units: the table's number and the place in it (tables 14-12 to 14-15).
var longNames = [...][]string{
	strings.Fields(`.ac .ad .ae .af .ag .ai .al .am .ao .aq .ar .as .at .au .aw .ax .az .ba .bb .bd .be .bf .bg .bh .bi .bj
		.bm .bn .bo .bq .br .bs .bt .bw .by .bz .ca .cc .cd .cf .cg .ch .ci .ck .cl .cm .cn .co .cr .cu .cv .cw .cx .cy .cz
		.de .dj .dk .dm .do .dz .ec .ee .eg .eh .er .es .et .eu .fi .fj .fk .fm .fo .fr .ga .gd .ge .gf .gg .gh .gi .gl .gm
		.gn .gp .gq .gr .gs .gt .gu .gw .gy .hk .hm .hn .hr .ht .hu .id .ie .il .im .in .io .iq .ir .is .it .je .jm .jo .jp
		.ke .kg .kh .ki .km .kn .kp .kr .kw .ky .kz .la .lb .lc .li`),
	strings.Fields(`.lk .lr .ls .lt .lu .lv .ly .ma .mc .md .me .mg .mh .mk .ml .mm .mn .mo .mp .mq .mr .ms .mt .mu .mv .mw
		.mx .my .mz .na .nc .ne .nf .ng .ni .nl .no .np .nr .nu .nz .om .pa .pe .pf .pg .ph .pk .pl .pm .pn .pr .ps .pt .pw
		.py .qa .re .ro .rs .ru .rw .sa .sb .sc .sd .se .sg .sh .si .sk .sl .sm .sn .sr .ss .st .su .sv .sx .sy .sz .tc .td
		.tf .tg .th .tj .tk .tl .tm .tn .to .tr .tt .tv .tw .tz .ua .ug .us .uy .uz .va .vc .ve .vg .vi .vn .vu .wf .ws .ye
		.yt .za .zm .zw`),
	strings.Fields(`.com.au .net.au .org.au .co.at .com.bd .co.bd .com.br .net.br .co.nz .com.ng .com.pk .co.in .com.in .co.il
		.co.jp .co.za .co.kr .com.es .com.lk .co.th .co.tt .com.tt .com.tr .biz.tr .com.ua .co.uk .co.zm .com.zm .com.cn
		.org.cn .net.cn .gov.cn`),
	{".tech"},
}

// checkHost says why a host cannot be written to a tag.
func checkHost(host string) error {
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return fmt.Errorf("host %q is not of small letters, digits, dots and hyphens", host)
	}
	return nil
}

func takeHost(r *reader) (string, error) {
	units := r.take(1) == 1
	n := int(r.take(6))
	var host string
	var err error
	if units {
		host, err = takeUnits(r, n)
	} else {
		host, err = takeCode40(r, n)
		host = strings.ToLower(host)
	}
	if err == nil {
		err = checkHost(host)
	}
	if err == nil && r.short {
		err = fmt.Errorf("the memory ends within the host")
	}
	return host, err
}

func takeUnits(r *reader, n int) (string, error) {
	var b strings.Builder
	for ; n > 0; n-- {
		c := r.take(7)
		if int(c) < len(longNames) {
			if n--; n == 0 {
				return "", fmt.Errorf("the host ends within a name of two units")
			}
			at := r.take(7)
			if int(at) >= len(longNames[c]) {
				return "", fmt.Errorf("name %d of table %d of hosts is reserved", at, c)
			}
			b.WriteString(longNames[c][at])
			continue
		}
		if name, ok := shortNames[c]; ok {
			b.WriteString(name)
			continue
		}
		b.WriteByte(byte(c))
	}
	return strings.ToLower(b.String()), nil
}

// putHost writes a host in whichever way takes fewer bits.
func putHost(w *writer, host string) error {
	if err := checkHost(host); err != nil {
		return err
	}
	units := hostUnits(host)
	forty := len(host) <= longestHost && !strings.Contains(host, "_")
	switch {
	case forty && code40Bits(len(host)) < 7*len(units):
		w.put(0, 1)
		w.put(uint64(len(host)), 6)
		putCode40(w, strings.ToUpper(host))
	case len(units) <= longestHost:
		w.put(1, 1)
		w.put(uint64(len(units)), 6)
		for _, u := range units {
			w.put(u, 7)
		}
	default:
		return fmt.Errorf("host %q takes %d units; at most %d are possible", host, len(units), longestHost)
	}
	return nil
}

// hostUnits gives the fewest units that write a host: from its end on, the best for each rest of it.
func hostUnits(host string) []uint64 {
	if len(host) > 255 {
		host = host[:255] // no host is longer, and too many units are refused
	}
	best := make([][]uint64, len(host)+1)
	for i := len(host) - 1; i >= 0; i-- {
		best[i] = append([]uint64{uint64(host[i])}, best[i+1]...)
		try := func(name string, units ...uint64) {
			if strings.HasPrefix(host[i:], name) && len(units)+len(best[i+len(name)]) < len(best[i]) {
				best[i] = append(units, best[i+len(name)]...)
			}
		}
		for u, name := range shortNames {
			try(name, u)
		}
		for table, names := range longNames {
			for at, name := range names {
				try(name, uint64(table), uint64(at))
			}
		}
	}
	return best[0]
}
