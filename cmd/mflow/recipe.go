package main

import (
	"github.com/spf13/cobra"

	"mflow/flow/prior"
)

// sharp is the crowding beyond which data count as sharp: points then cluster at
// a hundredth of the spacing that they would have anywhere, as fires do seen by
// a satellite, or volcanoes.
const sharp = 8

// recipe adapts to the data what the command line left open. Sharp data need
// higher frequencies, and hardly a penalty: a large weight of the negative part
// keeps the density from rising where it must.
func (o *trainOptions) recipe(cmd *cobra.Command, p *points) {
	if prior.Crowding(p.m, p.train) < sharp {
		return
	}
	given := cmd.Flags().Changed
	if !given("scales") {
		o.field.Scales = []float64{1, 4, 16, 64}
	}
	if !given("lambda") {
		o.settings.Loss.Lambda = 2
	}
	if !given("weight-decay") {
		o.settings.Adam.Decay = -1
	}
}
