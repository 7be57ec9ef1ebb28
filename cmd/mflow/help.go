package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// section is the annotation that holds the heading of a flag in the help text.
const section = "mflow_section"

// flags adds flags to a command under a heading of its help text.
func flags(cmd *cobra.Command, heading string, add func(*pflag.FlagSet)) {
	fs := pflag.NewFlagSet(heading, pflag.ContinueOnError)
	fs.SortFlags = false
	add(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		f.Annotations = map[string][]string{section: {heading}}
		cmd.Flags().AddFlag(f)
	})
	cmd.Flags().SortFlags = false
}

func help(cmd *cobra.Command, _ []string) {
	w := cmd.OutOrStdout()
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(w, "%s\n\n", strings.TrimSpace(text))
	writeUsage(w, cmd)
}

func usage(cmd *cobra.Command) error {
	writeUsage(cmd.OutOrStderr(), cmd)
	return nil
}

// writeUsage writes how a command is called: its form, examples, subcommands
// and flags by section.
func writeUsage(w io.Writer, cmd *cobra.Command) {
	fmt.Fprint(w, "Usage:\n")
	if cmd.Runnable() {
		fmt.Fprintf(w, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s COMMAND\n", cmd.CommandPath())
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(w, "\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-12s %s\n", c.Name(), c.Short)
			}
		}
	}
	var order []string
	by := map[string]*pflag.FlagSet{}
	put := func(heading string, f *pflag.Flag) {
		if by[heading] == nil {
			by[heading] = pflag.NewFlagSet(heading, pflag.ContinueOnError)
			by[heading].SortFlags = false
			order = append(order, heading)
		}
		by[heading].AddFlag(f)
	}
	local := cmd.LocalNonPersistentFlags()
	local.SortFlags = false
	local.VisitAll(func(f *pflag.Flag) {
		if h := f.Annotations[section]; len(h) > 0 {
			put(h[0], f)
		} else if f.Name != "help" && !f.Hidden {
			put("Options", f)
		}
	})
	general := func(f *pflag.Flag) { put("General", f) }
	cmd.PersistentFlags().VisitAll(general)
	cmd.InheritedFlags().VisitAll(general)
	if f := cmd.Flags().Lookup("help"); f != nil {
		put("General", f)
	}
	for _, h := range order {
		fmt.Fprintf(w, "\n%s:\n%s", h, by[h].FlagUsages())
	}
}
