package sheet

import "strings"

// gtinLength is what every GTIN is filled to.
const gtinLength = 14

// readGTIN reads a GTIN of 8, 12, 13 or 14 digits (GS1 General Specifications, section 7.9).
func readGTIN(text string) (Value, *finding) {
	if !isDigits(text) && scientific.MatchString(text) {
		return Value{}, found(CodeShortened)
	}
	if !isDigits(text) || len(text) > gtinLength {
		return Value{}, found(CodeNotGTIN)
	}
	full := strings.Repeat("0", gtinLength-len(text)) + text
	want := checkDigit(full[:gtinLength-1])
	switch len(text) {
	case 8, 12, 13, 14:
		if full[gtinLength-1] != want {
			return Value{}, found(CodeCheckDigit, full[gtinLength-1:], string(want))
		}
		return OfText(full), nil
	}
	if fewer := lostZeros(text); fewer != "" && full[gtinLength-1] == want {
		return Value{}, found(CodeLostZeros, len(text), fewer)
	}
	return Value{}, found(CodeNotGTIN)
}

// lostZeros fills a text to the next length of a GTIN, "" where that is too far to have been one.
func lostZeros(text string) string {
	switch n := len(text); {
	case n >= 6 && n < 8:
		return strings.Repeat("0", 8-n) + text
	case n >= 9 && n < 12:
		return strings.Repeat("0", 12-n) + text
	}
	return ""
}

// checkDigit is the last digit of a GTIN with these before it, weighted 3 and 1 from the right.
func checkDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		weight := 1
		if (len(digits)-i)%2 == 1 {
			weight = 3
		}
		sum += weight * int(digits[i]-'0')
	}
	return byte('0' + (10-sum%10)%10)
}
