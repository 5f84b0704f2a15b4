package oracle

import (
	"cmp"
	"fmt"
	"strings"
)

// reduce is the registry of reducers: a is current, b is new.
func (f fn) reduce(a, b *val) *val {
	switch f.F {
	case "concat":
		return text(str(a) + str(b))
	case "concat_sep":
		return text(str(a) + "," + str(b))
	case "plus":
		return text(str(a) + "+" + str(b))
	case "minus":
		return text(str(a) + "-" + str(b))
	case "max", "min":
		return f.extreme(a, b)
	case "sum":
		return long(num(a) + num(b))
	case "sub":
		return long(num(a) - num(b))
	case "latest":
		return b
	case "first":
		return a
	case "remove":
		return text(remove(str(a), str(b)))
	case "null_if":
		if str(b) == f.arg() {
			return nil
		}
		return text(str(a) + str(b))
	case "fail_if":
		if str(b) == f.arg() {
			f.boom()
		}
		return text(str(a) + str(b))
	}
	panic(fmt.Sprintf("no reducer %s", f.F))
}

// extreme is max or min: null loses and ties keep a.
func (f fn) extreme(a, b *val) *val {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	order := compare(a, b)
	if f.F == "max" && order < 0 || f.F == "min" && order > 0 {
		return b
	}
	return a
}

func compare(a, b *val) int {
	if a.kind == 'n' && b.kind == 'n' {
		return cmp.Compare(a.n, b.n)
	}
	return strings.Compare(str(a), str(b))
}

// remove drops the first element equal to b from a comma-separated list.
func remove(a, b string) string {
	list := strings.Split(a, ",")
	for i, e := range list {
		if e == b {
			return strings.Join(append(list[:i:i], list[i+1:]...), ",")
		}
	}
	return a
}

// initial is the registry of initializers.
func (f fn) initial() *val {
	switch f.F {
	case "zero":
		return long(0)
	case "null":
		return nil
	case "const":
		return f.Arg.v
	}
	return text("")
}

// add is the registry of aggregators.
func (f fn) add(k, v, agg *val) *val {
	a := sval(agg)
	switch f.F {
	case "concat":
		return text(a + str(v))
	case "concat_sep":
		if a == "" {
			return text(str(v))
		}
		return text(a + "," + str(v))
	case "key_concat":
		return text(a + str(k) + "=" + str(v) + ";")
	case "plus":
		return text(a + "+" + str(v))
	case "minus":
		return text(a + "-" + str(v))
	case "tagged":
		return text(a + f.arg() + str(v))
	case "latest":
		return text(str(v))
	case "keep":
		return agg
	case "remove":
		return text(remove(a, str(v)))
	case "null_if":
		if str(v) == f.arg() {
			return nil
		}
		return text(a + str(v))
	case "fail_if":
		if str(v) == f.arg() {
			f.boom()
		}
		return text(a + str(v))
	}
	return f.addLong(v, agg)
}

// addLong is the part of the aggregators that makes longs.
func (f fn) addLong(v, agg *val) *val {
	switch f.F {
	case "sum":
		return long(num(agg) + num(v))
	case "sub":
		return long(num(agg) - num(v))
	case "sum_len":
		return long(num(agg) + int64(len(str(v))))
	case "sub_len":
		return long(num(agg) - int64(len(str(v))))
	case "count":
		return long(num(agg) + 1)
	case "count_down":
		return long(num(agg) - 1)
	}
	panic(fmt.Sprintf("no aggregator %s", f.F))
}

// merge is the registry of session mergers.
func (f fn) merge(_, a, b *val) *val {
	switch f.F {
	case "concat":
		return text(sval(a) + sval(b))
	case "concat_sep":
		if sval(a) == "" || sval(b) == "" {
			return text(sval(a) + sval(b))
		}
		return text(sval(a) + "," + sval(b))
	case "bracket":
		return text("(" + sval(a) + "|" + sval(b) + ")")
	case "sum":
		return long(num(a) + num(b))
	}
	panic(fmt.Sprintf("no merger %s", f.F))
}

// join is the registry of joiners.
func (f fn) join(k, l, r *val) *val {
	switch f.F {
	case "concat":
		return text(str(l) + "+" + str(r))
	case "key_concat":
		return text(str(k) + ":" + str(l) + "+" + str(r))
	case "left":
		return l
	case "right":
		return r
	case "sum":
		return long(num(l) + num(r))
	case "null_if_right":
		if str(r) == f.arg() {
			return nil
		}
		return text(str(l) + "+" + str(r))
	case "fail_if":
		if str(l) == f.arg() {
			f.boom()
		}
		return text(str(l) + "+" + str(r))
	}
	panic(fmt.Sprintf("no joiner %s", f.F))
}
