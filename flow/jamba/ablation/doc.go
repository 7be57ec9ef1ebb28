// Package ablation repeats, at a size for one core, two findings of the Jamba paper
// (Lieber et al. 2024): that a little attention gives Mamba the in-context
// recall it lacks, and that a mixture of experts learns more than a dense
// network with as many active parameters.
package ablation
