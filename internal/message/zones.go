package message

import "strings"

// zoneNames are the names of time zones that mean one, in hours east of UTC.
// Names that mean several, and RFC 822's military letters, are not among them.
var zoneNames = map[string]float64{
	"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"AKST": -9, "AKDT": -8, "HST": -10,
	"CET": 1, "MET": 1, "MEZ": 1, "WEST": 1, "BST": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2, "SAST": 2, "EEST": 3, "MSK": 3,
	"HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

// longZones are the zones that Windows names "X Standard Time" and "X Daylight
// Time", by X, and a few that others spell out so, in hours east of UTC without
// daylight saving time.
var longZones = map[string]float64{
	"dateline": -12, "aleutian": -10, "hawaiian": -10, "hawaii-aleutian": -10, "marquesas": -9.5, "alaskan": -9, "alaska": -9,
	"pacific": -8, "us mountain": -7, "mountain": -7, "central america": -6, "central": -6, "canada central": -6, "sa pacific": -5,
	"eastern": -5, "us eastern": -5, "atlantic": -4, "sa western": -4, "pacific sa": -4, "venezuela": -4, "newfoundland": -3.5,
	"e. south america": -3, "sa eastern": -3, "argentina": -3, "montevideo": -3, "brasilia": -3, "greenland": -3, "mid-atlantic": -2,
	"azores": -1, "cape verde": -1, "gmt": 0, "greenwich": 0, "greenwich mean": 0, "coordinated universal": 0, "morocco": 0,
	"western european": 0, "british": 0,
	"w. europe": 1, "central europe": 1, "romance": 1, "central european": 1, "w. central africa": 1,
	"gtb": 2, "middle east": 2, "e. europe": 2, "fle": 2, "south africa": 2, "israel": 2, "jerusalem": 2, "egypt": 2, "eastern european": 2,
	"turkey": 3, "arabic": 3, "arab": 3, "russian": 3, "moscow": 3, "e. africa": 3, "belarus": 3, "iran": 3.5, "arabian": 4, "azerbaijan": 4,
	"georgian": 4, "caucasus": 4, "mauritius": 4, "afghanistan": 4.5, "west asia": 5, "pakistan": 5, "ekaterinburg": 5, "india": 5.5,
	"sri lanka": 5.5, "nepal": 5.75, "central asia": 6, "bangladesh": 6, "myanmar": 6.5, "se asia": 7, "north asia": 7,
	"china": 8, "hong kong": 8, "singapore": 8, "malay peninsula": 8, "taipei": 8, "w. australia": 8, "ulaanbaatar": 8, "north asia east": 8,
	"tokyo": 9, "japan": 9, "korea": 9, "korean": 9, "yakutsk": 9, "cen. australia": 9.5, "aus central": 9.5, "e. australia": 10,
	"aus eastern": 10, "west pacific": 10, "tasmania": 10, "vladivostok": 10, "central pacific": 11, "new zealand": 12, "fiji": 12,
	"tonga": 13, "samoa": 13,
}

// maxZoneWords is the number of words of an X of longZones.
const maxZoneWords = 3

// longZone finds the name of a zone that is spelled out in s, in hours east of
// UTC and where it stands; to is 0 for none.
func longZone(s string) (total float64, from, to int) {
	low := strings.ToLower(s)
	if len(low) != len(s) {
		return 0, 0, 0
	}
	end := strings.LastIndex(low, " time")
	if end < 0 {
		return 0, 0, 0
	}
	name, hours := strings.TrimRight(low[:end], " "), 0.0
	for suffix, summer := range map[string]float64{" standard": 0, " daylight": 1, " summer": 1} {
		if rest, found := strings.CutSuffix(name, suffix); found {
			name, hours = rest, summer
		}
	}
	start := len(name)
	for range maxZoneWords { // the longest name counts: SA Pacific is not Pacific
		start = strings.LastIndexByte(strings.TrimRight(name[:start], " "), ' ') + 1
		if zone, known := longZones[name[start:]]; known {
			total, from, to = hours+zone, start, end+len(" time")
		}
		if start == 0 {
			break
		}
	}
	return total, from, to
}
