package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"mflow/flow"
)

func (a *app) infoCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "info MODEL",
		Short:   "Say what is in a model file",
		Long:    "Say what is in a model file: manifold, prior, field, normaliser, and the data and settings of its training.",
		Example: "  mflow info model.mflow\n  mflow info model.mflow --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := flow.Load(args[0])
			if err != nil {
				return err
			}
			m := describe(args[0], f)
			return a.emit(m, m.write)
		},
	}
}

// modelInfo is the result of info.
type modelInfo struct {
	Model      string            `json:"model"`
	Manifold   string            `json:"manifold"`
	Dims       [2]int            `json:"dims"` // intrinsic, ambient
	Prior      string            `json:"prior"`
	Networks   int               `json:"networks"` // whose fields add
	Relative   bool              `json:"relative"` // whether the field is ν times theirs
	Hidden     []int             `json:"hidden"`   // of each
	Activation string            `json:"activation"`
	Features   int               `json:"features"`
	Parameters int               `json:"parameters"` // of all
	Eps        float64           `json:"eps"`
	Z          float64           `json:"z"`
	ZSE        float64           `json:"z_se"`
	Data       *flow.DataSummary `json:"data,omitempty"`
	Training   json.RawMessage   `json:"training,omitempty"`
}

func describe(path string, f *flow.Flow) modelInfo {
	d, n := f.Manifold.Dims()
	info := modelInfo{
		Model: path, Manifold: f.Manifold.String(), Dims: [2]int{d, n}, Prior: priorName(f.Prior),
		Networks: len(f.Nets), Relative: f.Relative, Eps: f.Eps, Z: f.Z, ZSE: f.ZSE, Data: f.Data, Training: f.Training,
	}
	for _, net := range f.Nets {
		info.Hidden, info.Activation, info.Features = net.Hidden(), net.Activation.String(), net.Features.Width()
		info.Parameters += len(net.Params)
	}
	return info
}

func (m modelInfo) write(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("manifold", "%s, dimension %d in R%d", m.Manifold, m.Dims[0], m.Dims[1])
	line("prior", "%s", m.Prior)
	relative := ""
	if m.Relative {
		relative = ", relative to the prior"
	}
	switch field := fmt.Sprintf("%d features, layers %s, %s, %d parameters%s", m.Features,
		strings.Trim(strings.Join(strings.Fields(fmt.Sprint(m.Hidden)), "-"), "[]"), m.Activation, m.Parameters, relative); m.Networks {
	case 0:
		line("field", "none: the density is the prior's")
	case 1:
		line("field", "%s", field)
	default:
		line("field", "%d networks; %s in all", m.Networks, field)
	}
	line("normaliser", "Z %.5f ±%.5f, floor of the density %.3g", m.Z, m.ZSE, m.Eps)
	if d := m.Data; d != nil {
		line("data", "%s, %d points", d.Source, d.Rows)
		line("split", "%s, seed %d: %d training, %d validation, %d test points",
			d.Protocol, d.SplitSeed, d.Train, d.Val, d.Test)
		line("copies", "%d test points are copies of training points", d.Duplicates)
	}
	if len(m.Training) > 0 {
		line("training", "%s", m.Training)
	}
}
