package api

import (
	"io/fs"
	"regexp"
	"slices"
	"testing"
	"time"
	"unicode"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

func TestEveryTextOfThePageHasBothLanguages(t *testing.T) {
	var text string
	names, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil || len(names) < 9 {
		t.Fatalf("found %d pages, %v", len(names), err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(pageFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	script, err := fs.ReadFile(pageFiles, "page/page.js")
	if err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`(?:Say|Fill) "([^"]+)"`).FindAllStringSubmatch(text, -1)
	if len(used) < 100 {
		t.Fatalf("found %d texts in the pages", len(used))
	}
	for _, u := range used {
		if _, ok := words[u[1]]; !ok {
			t.Errorf("text %q is not known", u[1])
		}
	}
	for _, u := range regexp.MustCompile(`words\.(\w+)|words\['([\w.]+)'\]|say\('(\w+)'`).FindAllStringSubmatch(string(script), -1) {
		if key := u[1] + u[2] + u[3]; !slices.Contains(scriptWords, key) {
			t.Errorf("the script is not given text %q", key)
		}
	}
	for _, key := range scriptWords {
		if _, ok := words[key]; !ok {
			t.Errorf("text %q for the script is not known", key)
		}
	}
	holes := regexp.MustCompile(`\{\w+\}`)
	for key, w := range words {
		if w[english] == "" || !hasHan(w[chinese]) {
			t.Errorf("text %q lacks a language: %q", key, w)
		}
		in := map[string]bool{}
		for _, hole := range holes.FindAllString(w[english], -1) {
			in[hole] = true
		}
		for _, hole := range holes.FindAllString(w[chinese], -1) {
			if !in[hole] {
				t.Errorf("text %q has %s in Chinese only", key, hole)
			}
		}
	}
	for _, a := range advice {
		if a.words == "" || !hasHan(a.chinese) {
			t.Errorf("advice %+v lacks something", a)
		}
	}
}

func hasHan(s string) bool {
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			return true
		}
	}
	return false
}

func TestStatesAndCodesHaveTexts(t *testing.T) {
	keys := []string{
		"status.ok", "status.degraded", "status.failing", "hub_unreachable", "clock_unsynced", "store_failed", "low_space", "stalled",
		"store_recovered", "p1", "p2", "p3", "p9", "tag.present", "tag.unseen", "tag.undecided", "tag.left", "way.in", "way.out",
		"way.turned_back", "way.undecided", "show.all", "show.members", "show.others", "do.acknowledge", "do.shelve", "do.unshelve",
		"do.reset", "config.file", "config.hub", "config.applied", "config.trial", "config.confirmed", "config.refused", "config.reverted",
	}
	for s := alarm.Unacked; s.Known(); s++ {
		keys = append(keys, "state."+s.String())
	}
	for q := range devices.Quality(devices.Qualities) {
		keys = append(keys, "q."+q.String())
	}
	for _, q := range unit.Quantities() {
		keys = append(keys, q.String())
	}
	for s := devices.Down; s <= devices.Up; s++ {
		keys = append(keys, s.String())
	}
	for _, side := range sideNames {
		keys = append(keys, "side."+side)
	}
	for _, key := range keys {
		if _, ok := words[key]; !ok {
			t.Errorf("text %q is missing", key)
		}
	}
}

func TestSpansAreSaidRoughly(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		-time.Second: {"0 s", "0 秒"}, 59400 * time.Millisecond: {"59 s", "59 秒"}, 59600 * time.Millisecond: {"1 min", "1 分钟"},
		59*time.Minute + 59*time.Second: {"59 min", "59 分钟"}, 125 * time.Minute: {"2 h 5 min", "2 小时 5 分"}, 50 * time.Hour: {"2 d 2 h", "2 天 2 小时"},
	} {
		for l, want := range want {
			if got := language(l).Span(d); got != want {
				t.Errorf("%s is %q; want %q", d, got, want)
			}
		}
	}
}

func TestLanguageIsChosenByTheBrowser(t *testing.T) {
	for header, want := range map[string]language{
		"": english, "zh": chinese, "zh-CN,zh;q=0.9,en;q=0.8": chinese, "en-US,en;q=0.9,zh;q=0.8": english, "de,zh-TW;q=0.5,en;q=0.3": chinese,
		"de": english, "*": english, "zh;q=0": english, "zh;q=x, en": english, "en;q=0.1,ZH-hans;q=0.2": chinese, ",;q=": english,
	} {
		if got := languageOf(header); got != want {
			t.Errorf("%q gives %v; want %v", header, got, want)
		}
	}
}

func TestBeginOfAnOccurrenceIsInItsID(t *testing.T) {
	if at := began("0193544c-0e80-7abc-8def-0123456789ab"); at == nil || at.UnixMilli() != 0x0193544c0e80 {
		t.Errorf("got %v", at)
	}
	for _, id := range []string{"", "a1", "0193544c-0e80-4abc-8def-0123456789ab", "0193544c-0e80-7abc-8def-0123456789abcd"} {
		if at := began(id); at != nil {
			t.Errorf("%q begins at %v", id, at)
		}
	}
}
