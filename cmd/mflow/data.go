package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mflow/datasets"
)

func (a *app) dataCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "List, fetch and describe data sets",
		Long: `List, fetch and describe the data sets that mflow knows by name.

Files are looked for in the directory that MFLOW_DATA names, then in the cache
(MFLOW_CACHE, or the user's cache directory), and fetched from their public
source if neither has them. Every file is checked by its SHA-256.`,
		Example: "  mflow data list\n  mflow data get earthquake\n  mflow data info volcano",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("what shall be done? list, get or info")
		},
	}
	offline := false
	get := &cobra.Command{
		Use:     "get NAME...",
		Short:   "Fetch data sets into the cache",
		Long:    "Fetch data sets into the cache, unless they are there, and print where they are.",
		Example: "  mflow data get earthquake flood",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.dataGet(cmd, args, offline) },
	}
	get.Flags().BoolVar(&offline, "offline", false, "never fetch: only say where they are")
	info := &cobra.Command{
		Use:     "info NAME|FILE",
		Short:   "Describe a data set",
		Long:    "Describe a data set: points, distinct positions, copies between training and test points, source and terms.",
		Example: "  mflow data info volcano\n  mflow data info points.csv --json",
		Args:    cobra.ExactArgs(1),
	}
	src := &source{}
	src.flags(info, "published")
	hide(info.Flags(), "data")
	info.RunE = func(cmd *cobra.Command, args []string) error {
		src.data = args[0]
		return a.dataInfo(cmd, src)
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "list",
		Short:   "List the data sets known by name",
		Long:    "List the data sets known by name, and whether they are on this machine.",
		Example: "  mflow data list\n  mflow data list --json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.dataList() },
	}, get, info)
	return cmd
}

func hide(fs *pflag.FlagSet, name string) { _ = fs.MarkHidden(name) }

// listed is a data set in the output of data list.
type listed struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Manifold string `json:"manifold,omitempty"`
	Rows     int    `json:"rows,omitempty"`
	Path     string `json:"path,omitempty"` // "" if it is not on this machine
	Terms    string `json:"terms,omitempty"`
}

func (a *app) dataList() error {
	var all []listed
	for _, e := range datasets.Registry {
		all = append(all, listed{e.Name, e.Title, e.Manifold, e.Rows, datasets.Store{}.Find(e), e.Terms})
	}
	for _, s := range datasets.SyntheticNames() {
		all = append(all, listed{Name: s[0], Title: "synthetic: " + s[1]})
	}
	return a.emit(all, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, l := range all {
			rows, where := "", "made here"
			if l.Rows > 0 {
				rows, where = fmt.Sprint(l.Rows), "to be fetched"
				if l.Path != "" {
					where = "here"
				}
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.Manifold, rows, where, l.Title)
		}
		t.Flush()
	})
}

func (a *app) dataGet(cmd *cobra.Command, names []string, offline bool) error {
	type found struct {
		Name string `json:"name"`
		Path string `json:"path"`
	}
	var all []found
	for _, name := range names {
		e, err := datasets.Lookup(name)
		if err != nil {
			return err
		}
		m := a.meter(0)
		st := datasets.Store{Offline: offline, Progress: func(done, total int64) {
			m.step(int(done), int(total), func() string { return name })
		}}
		path, err := st.Get(cmd.Context(), e)
		m.end()
		if err != nil {
			return err
		}
		all = append(all, found{name, path})
	}
	return a.emit(all, func(w io.Writer) {
		for _, f := range all {
			fmt.Fprintln(w, f.Path)
		}
	})
}

func (a *app) dataInfo(cmd *cobra.Command, src *source) error {
	p, err := src.load(cmd.Context())
	if err != nil {
		return err
	}
	e, _ := datasets.Lookup(src.data) // a file has no entry
	v := struct {
		Name       string   `json:"name"`
		Title      string   `json:"title,omitempty"`
		Manifold   string   `json:"manifold"`
		Rows       int      `json:"rows"`
		Distinct   int      `json:"distinct"`
		Split      string   `json:"split"`
		Train      int      `json:"train"`
		Val        int      `json:"val"`
		Test       int      `json:"test"`
		Duplicates int      `json:"duplicates_in_train"`
		SHA256     string   `json:"sha256,omitempty"`
		Source     string   `json:"source,omitempty"`
		Terms      string   `json:"terms,omitempty"`
		Notes      []string `json:"notes,omitempty"`
	}{
		src.data, e.Title, p.m.String(), p.set.N(), len(p.set.Distinct()), src.split, len(p.split.Train), len(p.split.Val), len(p.split.Test),
		p.split.Duplicates, p.set.SHA256, e.Source, e.Terms, p.set.Notes,
	}
	return a.emit(v, func(w io.Writer) {
		fmt.Fprintln(w, strings.TrimRight(v.Name+": "+v.Title, ": "))
		fmt.Fprintf(w, "%d points on %s at %d distinct positions\n", v.Rows, v.Manifold, v.Distinct)
		fmt.Fprintf(w, "%s split, seed %d: %d training, %d validation, %d test points; %d test points are copies of training points\n",
			v.Split, src.splitSeed, v.Train, v.Val, v.Test, v.Duplicates)
		for _, s := range []string{v.Source, v.Terms} {
			if s != "" {
				fmt.Fprintln(w, s)
			}
		}
		for _, n := range v.Notes {
			fmt.Fprintln(w, "note:", n)
		}
	})
}
