package oracle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// fn names a function of the vectors' registry, with its argument.
type fn struct {
	F   string  `json:"f"`
	Arg literal `json:"arg"`
}

func (f fn) arg() string { return sval(f.Arg.v) }

// boom is what the registry's failing functions throw.
func (f fn) boom() { panic(errors.New("boom on " + f.arg())) } //nolint: the vectors ask for a failing user function

// mapValue is the registry of value mappers.
func (f fn) mapValue(k, v *val) *val {
	switch f.F {
	case "const":
		return f.Arg.v
	case "null_to":
		if v == nil {
			return f.Arg.v
		}
		return v
	case "to_null":
		return nil
	case "key_value":
		return text(str(k) + ":" + str(v))
	case "null_if_contains":
		if strings.Contains(str(v), f.arg()) {
			return nil
		}
		return v
	case "fail_if":
		if str(v) == f.arg() {
			f.boom()
		}
		return v
	}
	if v == nil {
		return nil
	}
	return f.mapPresent(k, v)
}

// mapPresent is the part of the mappers for which null stays null.
func (f fn) mapPresent(k, v *val) *val {
	switch f.F {
	case "identity":
		return v
	case "upper":
		return text(strings.ToUpper(str(v)))
	case "lower":
		return text(strings.ToLower(str(v)))
	case "append":
		return text(str(v) + f.arg())
	case "prepend":
		return text(f.arg() + str(v))
	case "reverse":
		return text(reverse(str(v)))
	case "first_char":
		return text(first(str(v)))
	case "len":
		return long(int64(len(str(v))))
	case "to_string":
		return text(str(v))
	case "parse_long":
		n, err := strconv.ParseInt(str(v), 10, 64)
		if err != nil {
			panic(err)
		}
		return long(n)
	case "add":
		return long(v.n + num(f.Arg.v))
	case "key_upper_append":
		return text(str(v) + strings.ToUpper(str(k)))
	}
	panic(fmt.Sprintf("no value mapper %s", f.F))
}

// test is the registry of predicates.
func (f fn) test(k, v *val) bool {
	switch f.F {
	case "true":
		return true
	case "false":
		return false
	case "is_null":
		return v == nil
	case "not_null":
		return v != nil
	case "key_is_null":
		return k == nil
	case "key_equals":
		return k != nil && str(k) == f.arg()
	case "key_contains":
		return k != nil && strings.Contains(str(k), f.arg())
	case "fail_if":
		if str(v) == f.arg() {
			f.boom()
		}
		return true
	}
	return v != nil && f.testPresent(v)
}

func (f fn) testPresent(v *val) bool {
	switch f.F {
	case "contains":
		return strings.Contains(str(v), f.arg())
	case "equals":
		return str(v) == f.arg()
	case "starts_with":
		return strings.HasPrefix(str(v), f.arg())
	case "len_gt":
		return int64(len(str(v))) > num(f.Arg.v)
	case "gt":
		return v.n > num(f.Arg.v)
	case "even":
		return v.n%2 == 0
	}
	panic(fmt.Sprintf("no predicate %s", f.F))
}

// selectKey is the registry of key selectors.
func (f fn) selectKey(k, v *val) *val {
	switch f.F {
	case "identity":
		return k
	case "const":
		return f.Arg.v
	case "null":
		return nil
	case "fail_if":
		if str(v) == f.arg() {
			f.boom()
		}
		return k
	case "key_string":
		return text(str(k))
	case "key_upper":
		return onPresent(k, strings.ToUpper)
	case "key_first_char":
		return onPresent(k, first)
	case "windowed_key":
		return k.inner
	case "value":
		return onPresent(v, func(s string) string { return s })
	case "first_char":
		return onPresent(v, first)
	case "prefix_before_colon":
		return onPresent(v, prefix)
	}
	panic(fmt.Sprintf("no key selector %s", f.F))
}

// mapPair is the registry of pair mappers.
func (f fn) mapPair(k, v *val) (*val, *val) {
	same := func(s string) string { return s }
	switch f.F {
	case "swap":
		return onPresent(v, same), onPresent(k, same)
	case "identity":
		return k, v
	case "value_as_key":
		return onPresent(v, same), v
	case "first_char_key":
		return onPresent(v, first), v
	case "prefix_key":
		return onPresent(v, prefix), v
	case "key_first_char":
		return onPresent(k, first), v
	case "unwindow":
		return k.inner, v
	case "const_key":
		return f.Arg.v, v
	case "const_key_count":
		return f.Arg.v, text(str(k))
	}
	panic(fmt.Sprintf("no pair mapper %s", f.F))
}

// flatMap is the registry of one-to-many mappers.
func (f fn) flatMap(k, v *val, yield func(k, v *val)) {
	same := func(s string) string { return s }
	switch f.F {
	case "words_as_keys":
		for _, w := range words(v) {
			yield(text(w), onPresent(k, same))
		}
	case "dup":
		yield(k, v)
		yield(k, onPresent(v, func(s string) string { return s + "'" }))
	case "both_ways":
		yield(k, v)
		yield(v, k)
	}
}

// flatMapValues is the registry of one-to-many value mappers.
func (f fn) flatMapValues(k, v *val) []*val {
	switch f.F {
	case "split":
		var out []*val
		for _, w := range words(v) {
			out = append(out, text(w))
		}
		return out
	case "dup":
		return []*val{v, onPresent(v, func(s string) string { return s + "'" })}
	case "key_split":
		var out []*val
		for _, w := range words(v) {
			out = append(out, text(str(k)+"-"+w))
		}
		return out
	}
	return nil
}

func words(v *val) []string {
	if v == nil {
		return nil
	}
	var out []string
	for _, w := range strings.Split(str(v), " ") {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

func onPresent(v *val, f func(string) string) *val {
	if v == nil {
		return nil
	}
	return text(f(str(v)))
}

func first(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func prefix(s string) string {
	p, _, _ := strings.Cut(s, ":")
	return p
}

func reverse(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}
