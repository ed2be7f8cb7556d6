package output

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// kinds has a member of every kind that a row may hold, those included that
// are left to encoding/json.
type kinds struct {
	Text    string            `json:"text"`
	Yes     bool              `json:"yes"`
	Int     int               `json:"int,omitempty"`
	Small   int8              `json:"small"`
	Float   float64           `json:"float"`
	Octets  []byte            `json:"octets"`
	Map     map[string]string `json:"map,omitempty"`
	Any     any               `json:"any"`
	Anys    []any             `json:"anys"`
	Raw     json.RawMessage   `json:"raw,omitempty"`
	Addr    netip.Addr        `json:"addr"`
	Addrs   []*netip.Addr     `json:"addrs"`
	At      *time.Time        `json:"at"`
	Lasts   time.Duration     `json:"lasts"`
	Array   [2]string         `json:"array"`
	Nothing struct{}          `json:"nothing"`
	More    []*kinds          `json:"more,omitempty"`
}

func TestKinds(t *testing.T) {
	at := time.Date(2026, 11, 20, 1, 2, 3, 400, time.FixedZone("", -1800))
	addr := netip.MustParseAddr("192.0.2.1")
	full := &kinds{
		Text: "a\"b", Yes: true, Int: -5, Small: 7, Float: 1e30, Octets: []byte("xyz"), Map: map[string]string{"b": "<", "a": "\u2028"},
		Any: map[string]any{"x": []int{1}}, Anys: []any{1, "two", nil, at}, Raw: json.RawMessage(`{"a": 1}`), Addr: addr, Addrs: []*netip.Addr{&addr, nil},
		At: &at, Lasts: time.Second, More: []*kinds{{}, nil, {Text: "deep", More: []*kinds{{}}}},
	}
	types := appenders{}
	for _, v := range []*kinds{{}, full} {
		got, err := types.of(reflect.TypeFor[*kinds]())(nil, reflect.ValueOf(v))
		if want := strings.TrimSuffix(standard(t, v), "\n"); err != nil || string(got) != want {
			t.Errorf("%v\n got %s\nwant %s", err, got, want)
		}
	}
}

func TestKindsWithoutJSON(t *testing.T) {
	for _, v := range []any{func() {}, []any{make(chan int)}, time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got, err := (appenders{}).of(reflect.TypeOf(v))(nil, reflect.ValueOf(v)); err == nil {
			t.Errorf("%T becomes %s", v, got)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00\x1f\b\f\n\r\t\x7f\"\\/<>&", "größer 山田 😀", "\xff\xc3\xed\xa0\x80\ufffd", "\u2028\u2029\u2027"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := string(appendString(nil, s)), strings.TrimSuffix(standard(t, s), "\n"); got != want {
			t.Errorf("%q becomes %s, want %s", s, got, want)
		}
	})
}
