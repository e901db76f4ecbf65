package api

import (
	"regexp"
	"testing"
	"unicode"
)

func TestEveryTextOfThePageHasBothLanguages(t *testing.T) {
	used := regexp.MustCompile(`\.Say "([^"]+)"`).FindAllStringSubmatch(pageText, -1)
	if len(used) < 20 {
		t.Fatalf("found %d texts in the page", len(used))
	}
	for _, u := range used {
		if _, ok := words[u[1]]; !ok {
			t.Errorf("text %q is not known", u[1])
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
	for _, key := range []string{
		"status.ok", "status.degraded", "status.failing", "up", "degraded", "down", "unacked", "acked_state", "rtn_unacked", "shelved",
		"suppressed", "out_of_service", "hub_unreachable", "clock_unsynced", "store_failed", "low_space", "stalled", "store_recovered",
	} {
		if _, ok := words[key]; !ok {
			t.Errorf("text %q is missing", key)
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
