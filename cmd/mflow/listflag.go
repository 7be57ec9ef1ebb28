package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// list is a flag of numbers separated by commas. Unlike the slices of pflag it
// writes them back exactly.
type list[T int | float64] struct{ v *[]T }

func listVar[T int | float64](fs *pflag.FlagSet, v *[]T, name string, value []T, usage string) {
	*v = value
	fs.Var(list[T]{v}, name, usage)
}

// String implements pflag.Value.
func (l list[T]) String() string {
	if l.v == nil {
		return ""
	}
	parts := make([]string, len(*l.v))
	for i, x := range *l.v {
		parts[i] = fmt.Sprint(x)
	}
	return strings.Join(parts, ",")
}

// Set implements pflag.Value.
func (l list[T]) Set(s string) error {
	var out []T
	for _, part := range strings.Split(s, ",") {
		x, err := number[T](strings.TrimSpace(part))
		if err != nil {
			return err
		}
		out = append(out, x)
	}
	*l.v = out
	return nil
}

func number[T int | float64](s string) (x T, err error) {
	switch p := any(&x).(type) {
	case *int:
		*p, err = strconv.Atoi(s)
	case *float64:
		*p, err = strconv.ParseFloat(s, 64)
	}
	return x, err
}

// Type implements pflag.Value.
func (l list[T]) Type() string { return "numbers" }
