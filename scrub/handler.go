package scrub

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
)

// Handler returns a handler that passes everything on to next without
// addresses: message, keys and values, at every level. A value whose text form
// is not its own (an error, a Stringer, a text marshaler, a string, a number, a
// slice of strings) is replaced by the name of its type.
func Handler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ next slog.Handler }

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, String(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h handler) WithAttrs(list []slog.Attr) slog.Handler {
	return handler{h.next.WithAttrs(attrs(list))}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.next.WithGroup(String(name))}
}

func attrs(list []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(list))
	for i, a := range list {
		clean[i] = attr(a)
	}
	return clean
}

func attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: String(a.Key), Value: value(a.Value)}
}

func value(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(String(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(attrs(v.Group())...)
	case slog.KindAny:
		return anyValue(v.Any())
	}
	return v // bool, numbers, time, duration
}

func anyValue(x any) slog.Value {
	switch x := x.(type) {
	case nil:
		return slog.AnyValue(nil)
	case slog.Level:
		return slog.AnyValue(x)
	case []slog.Attr:
		return slog.GroupValue(attrs(x)...)
	case []byte:
		return slog.StringValue(String(string(x)))
	case []string:
		return slog.StringValue(String(strings.Join(x, " ")))
	case error, fmt.Stringer:
		return slog.StringValue(String(fmt.Sprint(x)))
	case encoding.TextMarshaler:
		return slog.StringValue(text(x))
	}
	switch v := reflect.ValueOf(x); v.Kind() {
	case reflect.String:
		return slog.StringValue(String(v.String()))
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return slog.StringValue(fmt.Sprint(x))
	}
	return slog.StringValue(fmt.Sprintf("%T", x))
}

// text survives a marshaler that panics, as fmt does for Stringers.
func text(m encoding.TextMarshaler) (s string) {
	defer func() {
		if recover() != nil {
			s = fmt.Sprintf("%T", m)
		}
	}()
	b, err := m.MarshalText()
	if err != nil {
		return String(err.Error())
	}
	return String(string(b))
}
