package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rivals are flags of which one at most is in force: given on the command line,
// it also overrides its rival in a file.
var rivals = map[string]string{"time": "steps", "steps": "time"}

// applyConfig sets the flags of a command from a TOML file whose keys are their
// long names. Flags given on the command line win.
func applyConfig(cmd *cobra.Command, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	keys, err := readConfig(file, raw)
	if err != nil {
		return err
	}
	given := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = true })
	for _, k := range keys {
		f := cmd.Flags().Lookup(k.name)
		if f == nil || !configurable(f) {
			return fmt.Errorf("config: %s:%d: unknown key %q; valid keys of %s are %s",
				file, k.line, k.name, cmd.CommandPath(), strings.Join(validKeys(cmd), ", "))
		}
		if given[k.name] || given[rivals[k.name]] {
			continue
		}
		if err := cmd.Flags().Set(k.name, k.value); err != nil {
			return fmt.Errorf("config: %s:%d: %w", file, k.line, err)
		}
	}
	return nil
}

// A key is one setting of a configuration file.
type key struct {
	name, value string
	line        int
}

// readConfig returns the keys of a file in the order of its lines.
func readConfig(file string, raw []byte) ([]key, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	values := map[string]any{}
	if err := toml.Unmarshal(raw, &values); err != nil {
		var bad *toml.DecodeError
		if errors.As(err, &bad) {
			line, _ := bad.Position()
			return nil, fmt.Errorf("config: %s:%d: %s", file, line, strings.TrimPrefix(bad.Error(), "toml: "))
		}
		return nil, fmt.Errorf("config: %s: %w", file, err)
	}
	// Decoding strictly into nothing lists every key with its position.
	lines := map[string]int{}
	var none struct{}
	var all *toml.StrictMissingError
	if err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&none); errors.As(err, &all) {
		for _, e := range all.Errors {
			lines[e.Key()[0]], _ = e.Position()
		}
	}
	var keys []key
	for name, v := range values {
		text, err := flagText(v)
		if err != nil {
			return nil, fmt.Errorf("config: %s:%d: %s: %w", file, lines[name], name, err)
		}
		keys = append(keys, key{name, text, lines[name]})
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].line < keys[j].line })
	return keys, nil
}

// flagText writes a TOML value as a flag reads it.
func flagText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool, int64:
		return fmt.Sprint(v), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			s, err := flagText(e)
			if err != nil {
				return "", err
			}
			parts[i] = s
		}
		return strings.Join(parts, ","), nil
	case map[string]any:
		return "", errors.New("is a table; keys stand at the top level")
	}
	return "", fmt.Errorf("is a %T; want a string, number, boolean or list", v)
}

func configurable(f *pflag.Flag) bool { return f.Name != "config" && f.Name != "help" }

func validKeys(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if configurable(f) {
			names = append(names, f.Name)
		}
	})
	sort.Strings(names)
	return names
}

// writeConfig returns the flags of a command as a file that applyConfig reads,
// leaving out those named.
func writeConfig(cmd *cobra.Command, except ...string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Flags of this run, as --config reads them.\n")
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	sort.Strings(names)
next:
	for _, name := range names {
		f := cmd.Flags().Lookup(name)
		if !configurable(f) || (!f.Changed && f.DefValue == f.Value.String()) {
			continue
		}
		for _, e := range except {
			if e == name {
				continue next
			}
		}
		line, err := toml.Marshal(map[string]any{name: flagValue(f)})
		if err != nil {
			return nil, err
		}
		b.Write(line)
	}
	return b.Bytes(), nil
}

// flagValue is the value of a flag as TOML holds it.
func flagValue(f *pflag.Flag) any {
	switch f.Value.Type() {
	case "bool":
		return f.Value.String() == "true"
	case "int":
		if v, err := strconv.ParseInt(f.Value.String(), 10, 64); err == nil {
			return v
		}
	case "uint64": // TOML integers are signed
		if v, err := strconv.ParseInt(f.Value.String(), 10, 64); err == nil {
			return v
		}
	case "numbers":
		return numbers(f.Value.String())
	case "float64":
		if v, err := strconv.ParseFloat(f.Value.String(), 64); err == nil {
			return v
		}
	}
	return f.Value.String()
}

// numbers is a list flag as TOML holds it.
func numbers(s string) (out []any) {
	for _, part := range strings.Split(s, ",") {
		if i, err := strconv.ParseInt(part, 10, 64); err == nil {
			out = append(out, i)
		} else if v, err := strconv.ParseFloat(part, 64); err == nil {
			out = append(out, v)
		}
	}
	return out
}
