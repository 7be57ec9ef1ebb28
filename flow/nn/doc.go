// Package nn holds the networks of a flow and runs them on jets.
//
// A jet carries a value and k directional derivatives of it side by side. A
// batch of B points with k tangents each is one matrix of (1+k)B rows: first B
// rows of values, then B rows for every tangent,
//
//	X = [ x ; w₁ ; … ; w_k ]        V = [ v(x) ; Dv(x)[w₁] ; … ; Dv(x)[w_k] ]
//
// so that a linear layer is one matrix product and an activation is one pass
// over memory. The derivatives that the divergence needs are therefore part of
// the forward pass, and the gradient of a loss built on them takes reverse mode
// once. That matters: applying Gorgonia's Grad twice returns wrong second
// derivatives (see the regression test in package divergence).
//
// Every layer is written once, as a forward and a backward function on plain
// float32 slices. Build wraps the layers as operations of a Gorgonia graph,
// which holds the parameters, the loss and its gradient; Eval runs the same
// layers without a graph.
//
// Letters: B points, k tangents, n ambient dimensions, X jets of the input,
// V jets of the output, Ω frequencies, Z pre-activations, A activations,
// G gradients of the loss.
package nn
