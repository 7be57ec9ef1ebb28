package main

import (
	"fmt"
	"math"
	"strings"
)

// reading says in plain language what a table shows. Every sentence follows from
// its numbers.
func (t *table) reading() string {
	if t.empty() {
		return "Nothing of this table has been measured yet."
	}
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	low := -1
	for i, s := range t.rows {
		const shown = 5e-4 // a smaller difference is not to be seen in the table
		if s.nll.n > 0 && (low < 0 || s.nll.mean < t.rows[low].nll.mean-shown) {
			low = i
		}
	}
	say("The lowest mean is that of %s, %.3f.", t.rows[low].method.title, t.rows[low].nll.mean)
	if t.best < 0 {
		say("No method without a flow has been measured, so nothing can be said about what a flow adds.")
	} else {
		base := t.rows[t.best].method.title
		if t.best != low {
			say("Without a flow the best is %s, %.3f.", base, t.rows[t.best].nll.mean)
		}
		for _, s := range t.rows {
			if s.compared && !s.method.baseline {
				say("%s", s.says(base, t.blocks()))
			}
		}
	}
	if g := t.overKernels(); g.points > 0 {
		say("Beside kernels the default gains %+.4f ±%.4f; %.4f nats.", g.pooled.mean, g.pooled.se, g.splits.se)
	}
	for _, s := range t.rows {
		if s.gates.of > 0 && s.method.name == "default" {
			say("Learned weights of the kernels proved themselves out of sample, and were kept, on %d of %s.", s.gates.yes, count(s.gates.of, "split"))
		}
		if s.networks.of > 0 {
			say("Networks got a weight in the mixture on %d of %s.", s.networks.yes, count(s.networks.of, "split"))
		}
	}
	for _, s := range t.rows {
		if s.z.n > 0 && math.Abs(s.worst-1) > 0.01 {
			say("Z of the %s is %.3f on average and %.3f at its furthest from one; not normalised it would be shown as %.3f.",
				s.method.title, s.z.mean, s.worst, s.raw.mean)
		}
		if s.disagree > 0 {
			say("On %s of the %s the two ways to measure Z disagree.", count(s.disagree, "split"), s.method.title)
		}
	}
	if t.copies.mean > 0.05 {
		say("Of the test points %.0f %% are copies of training points, so the score over all of them says mostly how narrow a density was allowed to be; the novel points say how good it is.", 100*t.copies.mean)
	}
	if missing := t.missing(); missing != "" {
		say("Missing: %s.", missing)
	}
	return strings.Join(out, " ")
}

// says is the sentence on one method beside the best one without a flow.
func (s *summary) says(base string, blocks bool) string {
	over := "test points"
	if blocks {
		over = "held-out cells"
	}
	by := fmt.Sprintf("%.3f ±%.3f nats", math.Abs(s.gain.pooled.mean), s.gain.pooled.se)
	var text string
	who := upper(s.article())
	switch v := s.gain.verdict(); v {
	case better:
		text = fmt.Sprintf("%s is better than %s by %s, at least two standard errors both over %s and between splits", who, base, by, over)
	case worse:
		text = fmt.Sprintf("%s is worse than %s by %s, at least two standard errors both over %s and between splits", who, base, by, over)
	case betterish, worseish:
		word := "ahead of"
		if v == worseish {
			word = "behind"
		}
		text = fmt.Sprintf("%s is %s %s by %s, but two standard errors are reached only by one of the two errors: not proven", who, word, base, by)
	default:
		const shown = 5e-4
		if math.Abs(s.gain.pooled.mean) < shown && s.gain.pooled.se < shown {
			return fmt.Sprintf("%s does not differ from %s in the digits shown.", who, base)
		}
		return fmt.Sprintf("%s does not differ reliably from %s (%+.3f ±%.3f nats).", who, base, s.gain.pooled.mean, s.gain.pooled.se)
	}
	n := s.new
	if v := s.gain.verdict(); n.points < s.gain.points && n.points > 0 && (v == better || v == betterish) {
		if nv := n.verdict(); nv != better && nv != betterish {
			text += fmt.Sprintf("; on novel points the difference is %+.3f ±%.3f, so the gain lies in the copies", n.pooled.mean, n.pooled.se)
		} else {
			text += fmt.Sprintf("; on novel points it is %+.3f ±%.3f", n.pooled.mean, n.pooled.se)
		}
	}
	return text + "."
}

// article puts "the" before the title of a method.
func (s *summary) article() string { return "the " + s.method.title }

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// missing names the methods that lack splits.
func (t *table) missing() string {
	var out []string
	for _, s := range t.rows {
		switch n := s.nll.n; {
		case n == 0:
			out = append(out, s.method.title)
		case n < len(t.seeds):
			out = append(out, fmt.Sprintf("%s on %d of %d splits", s.method.title, len(t.seeds)-n, len(t.seeds)))
		}
	}
	return strings.Join(out, ", ")
}
