package sheet

import (
	"math"
	"regexp"
	"strconv"
	"time"
)

// The days that can be written.
var (
	firstDay = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

var (
	yearFirst  = regexp.MustCompile(`^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?$`)
	yearLast   = regexp.MustCompile(`^[0-9]{1,2}[-/.][0-9]{1,2}[-/.]([0-9]{2}|[0-9]{4})$`)
	withTime   = regexp.MustCompile(`^[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?[ T][0-9:.]+$`)
	fiveDigits = regexp.MustCompile(`^[0-9]{5}(\.[0-9]+)?$`)
)

// readDate reads a day; the year stands first, so that nobody needs to guess.
func readDate(text string) (Value, *finding) {
	text = narrow(text)
	if t, err := time.Parse(time.DateOnly, text); err == nil && t.Year() > 0 { // the quick way to most
		return OfTime(t), nil
	}
	m := yearFirst.FindStringSubmatch(text)
	switch {
	case m != nil:
		return day(m[1], m[2], m[3])
	case yearLast.MatchString(text):
		return Value{}, found(CodeDayOrder)
	case withTime.MatchString(text):
		return Value{}, found(CodeTimeOfDay)
	case fiveDigits.MatchString(text):
		if v, f := serialDate(text[:5], false); f == nil {
			return Value{}, found(CodeSerial, v.Time.Format(time.DateOnly))
		}
	}
	return Value{}, found(CodeNotDate)
}

// day checks that there is such a day.
func day(year, month, day string) (Value, *finding) {
	y, _ := strconv.Atoi(year) // the digits are there: the caller matched them
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y == 0 || t.Month() != time.Month(m) || t.Day() != d {
		return Value{}, found(CodeNotDate)
	}
	return OfTime(t), nil
}

// How spreadsheets count days: 1 is 1900-01-01 and 60 a 1900-02-29 that never was, so the count is right from 61 on.
// Workbooks of old Macintoshes count from 1904-01-01 as 0 (ECMA-376 Part 1, 18.17.4.1).
var (
	epoch1900 = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	epoch1904 = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
)

const firstSerial = 61

// serialDate reads a day as spreadsheets count them, or write it out.
func serialDate(text string, date1904 bool) (Value, *finding) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return readDate(text)
	}
	epoch, first := epoch1900, float64(firstSerial)
	if date1904 {
		epoch, first = epoch1904, 0
	}
	if !(n >= first && n < float64(daysBetween(epoch, lastDay)+1)) {
		return Value{}, found(CodeNotDate)
	}
	if n != math.Trunc(n) {
		return Value{}, found(CodeTimeOfDay)
	}
	return OfTime(epoch.AddDate(0, 0, int(n))), nil
}

// serial counts a day as spreadsheets do; not all days have a number.
func serial(day time.Time) (n int, ok bool) {
	n = daysBetween(epoch1900, day)
	return n, n >= firstSerial
}

// daysBetween counts days, also where a Duration is too short for them.
func daysBetween(from, to time.Time) int { return int((to.Unix() - from.Unix()) / 86400) }

// zoned are the ways to write a moment, unzoned those that leave out where.
var (
	zoned = []string{
		time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00",
		"2006-01-02 15:04 Z07:00",
	}
	unzoned = []string{
		"2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly, "2006/1/2 15:04:05", "2006/1/2 15:04",
	}
)

// readTime reads a moment with its zone.
func readTime(text string) (Value, *finding) {
	text = narrow(text)
	for _, layout := range zoned {
		if t, err := time.Parse(layout, text); err == nil {
			if y := t.UTC().Year(); y < 1 || y > 9999 {
				return Value{}, found(CodeNotTime)
			}
			return OfTime(t), nil
		}
	}
	for _, layout := range unzoned {
		if _, err := time.Parse(layout, text); err == nil {
			return Value{}, found(CodeNoZone)
		}
	}
	return Value{}, found(CodeNotTime)
}
